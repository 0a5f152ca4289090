"""A whole evaluation in one file: what to ask and to check, run through the real pipeline, reported."""
