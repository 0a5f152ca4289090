"""Which release this is."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

SOURCE_TREE = "source tree"


def release(package: str = "footnote") -> str:
    """Installed version of a package; run from a checkout, Footnote itself has none."""
    try:
        return version(package)
    except PackageNotFoundError:
        return SOURCE_TREE
