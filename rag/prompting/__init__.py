"""What a language model is given to read."""
