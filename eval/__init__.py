"""Measures: groundedness evaluator, retrieval and refusal metrics, data set readers."""
