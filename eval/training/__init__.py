"""Training of the groundedness checker ``local``: its data, its trainer, its model card."""
