"""The trained groundedness checker: claims read against evidence by a small model of Footnote's own."""
