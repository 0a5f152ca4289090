"""The JSON of every door: pydantic models mapped from the domain's dataclasses.

The HTTP API and the command line's ``--json`` print the same objects.
"""
