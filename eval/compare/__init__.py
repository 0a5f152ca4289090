"""Several language models or settings on the same questions: ``footnote eval compare``."""
