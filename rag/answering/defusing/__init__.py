"""The stages of the output filter: characters, markup, addresses, seams.

Each stage reads one character after the other and hands on what is settled, so that a text gives the same
whether it comes whole or in pieces.
"""
