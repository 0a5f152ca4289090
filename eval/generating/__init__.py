"""A starter question set from the documents of a collection: ``footnote eval generate``.

Such questions are easier than real ones. Each was made from a sentence, a heading or a table row, so it uses
the document's own words, asks for one thing that stands in one place, and is never vague, misspelt or about
three things at once, as people's questions are. Good marks on them are the least that can be asked of a
system. Use them to begin with, then replace them by questions that people really asked.
"""
