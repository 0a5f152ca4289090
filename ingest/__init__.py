"""A folder in, committed chunks out: plan, parse, clean, chunk, embed, commit, index."""
