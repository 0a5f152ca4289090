"""Question to passages: dense and keyword search, fused, read closely, reranked."""
