"""How this machine reaches its package registries, so that a root built here reaches them the same way."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_DEBIAN_SOURCES = Path("/etc/apt/sources.list.d/debian.sources")
_CA_SHOWN_AT = "/run/secrets/ca"


@dataclass(frozen=True, kw_only=True, slots=True)
class Registries:
    """What a build is shown.

    Attributes:
        secrets: files by the ids that the Dockerfile's mounts use.
        folders: folders of this machine that pip's configuration names.
    """

    secrets: dict[str, Path]
    folders: Sequence[Path]


def registries(folder: Path) -> Registries:
    """This machine's, written to ``folder``."""
    secrets, folders = {}, []
    if _DEBIAN_SOURCES.is_file():
        secrets["apt"] = _DEBIAN_SOURCES
    options = _pip_options()
    if certificates := options.pop("cert", None) or os.environ.get("SSL_CERT_FILE"):
        secrets["ca"] = Path(certificates)
        options["cert"] = _CA_SHOWN_AT
    for value in options.values():
        named = re.findall(r"(?:^|\s|file://)(/[^\s]+)", value)
        folders += [_whole(Path(path)) for path in named if Path(path).is_dir()]
    secrets["pip"] = folder / "pip.conf"
    lines = [f"{name} = {value}" for name, value in options.items()]
    secrets["pip"].write_text("\n".join(["[global]", *lines, ""]), "utf-8")
    return Registries(secrets=secrets, folders=folders)


def _whole(folder: Path) -> Path:
    """An index's pages in ``simple/`` point to files beside it."""
    return folder.parent if folder.name == "simple" else folder


def debian_mirror(release: str) -> str:
    """The address apt gets Debian's main archive from."""
    wanted = ["Created-By: Packages", f"Codename: {release}", "Component: main", "Label: Debian"]
    addresses = _said("apt-get", "indextargets", "--format", "$(REPO_URI)", *wanted).split()
    assert addresses, f"apt knows no mirror of Debian {release}: run apt-get update"
    return addresses[0]


def apt_options() -> str:
    """How apt is told to fetch here, as a file of apt.conf.d."""
    return _said("apt-config", "dump", "Acquire")


def _pip_options() -> dict[str, str]:
    """``pip config list``, from every file and from the environment."""
    options = {}
    for line in _said(sys.executable, "-m", "pip", "config", "list").splitlines():
        name, _, value = line.partition("=")
        options[name.rpartition(".")[2]] = str(ast.literal_eval(value))
    return options


def _said(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout
