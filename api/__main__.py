"""``python -m api``: the ``footnote`` command without installing it."""

from api.cli import main

if __name__ == "__main__":
    main()
