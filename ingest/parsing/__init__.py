"""Bytes in, blocks out: one module per file type, and the processes they run in."""
