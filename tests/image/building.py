"""Builds a target of the Dockerfile into a folder: its scripts, in its order, over a plain Debian."""

from __future__ import annotations

import logging
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.image.dockerfile import Dockerfile, Instruction, Stage
from tests.image.machine import Registries, apt_options, debian_mirror

RELEASE = "bookworm"
ROOM = Path(__file__).with_name("room.sh")
ROOMS_OWN = ("unshare", "--mount", "--pid", "--fork", "--kill-child")
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Image:
    """What was built, and what the Dockerfile says about running it."""

    root: Path
    environment: Mapping[str, str]
    user: str
    folder: str
    entrypoint: Sequence[str]
    command: Sequence[str]
    health: Sequence[str]


class Builder:
    """Follows one Dockerfile.

    Args:
        dockerfile: what to follow.
        context: the folder that COPY copies from.
        folder: where the stages' roots go.
        registries: what the scripts install from.
    """

    def __init__(
        self, dockerfile: Dockerfile, *, context: Path, folder: Path, registries: Registries
    ) -> None:
        self._dockerfile = dockerfile
        self._context = context
        self._folder = folder
        self._registries = registries

    def build(self, target: str) -> Image:
        """The image of a stage; stages that exist already are used again."""
        root = self._root(target)

        def last(word: str) -> Instruction:
            return self._dockerfile.of(target, word)[-1]

        return Image(
            root=root,
            environment=self._environment(target),
            user=last("USER").rest,
            folder=last("WORKDIR").rest,
            entrypoint=last("ENTRYPOINT").words(),
            command=last("CMD").words(),
            health=last("HEALTHCHECK").words(),
        )

    def _root(self, name: str) -> Path:
        root = self._folder / name
        if root.exists():
            return root
        if name not in self._dockerfile.stages:
            return self._debian()
        stage = self._dockerfile.stages[name]
        base = self._root(stage.base)
        begun = self._folder / f"{name}.begun"
        subprocess.run(["cp", "-a", "--reflink=auto", base, begun], check=True)
        for instruction in stage.instructions:
            self._follow(stage, instruction, begun)
        return begun.rename(root)

    def _debian(self) -> Path:
        """A minimal Debian, in place of the base image."""
        root = self._folder / "debian"
        if not root.exists():
            log.warning("debootstrap %s", RELEASE)
            begun = self._folder / "debian.begun"
            command = ["debootstrap", "--variant=minbase", RELEASE, str(begun), debian_mirror(RELEASE)]
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
            (begun / "etc/apt/apt.conf.d/99machine").write_text(apt_options(), "utf-8")
            (begun / "etc/apt/sources.list").unlink()
            begun.rename(root)
        return root

    def _follow(self, stage: Stage, instruction: Instruction, root: Path) -> None:
        log.warning("%s: %s %s", stage.name, instruction.word, instruction.rest)
        if instruction.word == "COPY":
            self._copy(instruction, root)
        elif instruction.word == "RUN":
            self._run(stage, instruction, root)

    def _copy(self, instruction: Instruction, root: Path) -> None:
        stage = instruction.flag("from")
        source = self._root(stage) if stage else self._context
        *names, place = instruction.rest.split()
        target = root / place.lstrip("/")
        for name in names:
            what = source / name.lstrip("/")
            to = target / what.name if place.endswith("/") else target
            to.parent.mkdir(parents=True, exist_ok=True)
            if what.is_dir():
                ignored = None if stage else shutil.ignore_patterns("__pycache__", "*.pyc")
                shutil.copytree(what, to, symlinks=True, ignore=ignored)
            else:
                shutil.copy2(what, to)

    def _run(self, stage: Stage, instruction: Instruction, root: Path) -> None:
        shown = {"/etc/resolv.conf": "/etc/resolv.conf"}
        shown |= {str(folder): str(folder) for folder in self._registries.folders}
        for name, place in instruction.secrets().items():
            if name in self._registries.secrets:
                shown[str(self._registries.secrets[name])] = place
        environment = {"PATH": _PATH, "HOME": "/root"} | self._environment(stage.name)
        for given in (each for each in stage.instructions if each.word == "ARG"):
            environment |= {name: value for name, value in given.pairs().items() if value is not None}
        subprocess.run(
            room("build", root, shown, ["/bin/sh", "-c", instruction.rest]),
            check=True,
            env=environment,
            stdin=subprocess.DEVNULL,
        )

    def _environment(self, target: str) -> dict[str, str]:
        given: dict[str, str] = {}
        for instruction in self._dockerfile.of(target, "ENV"):
            given |= {name: value or "" for name, value in instruction.pairs().items()}
        assert not re.search(r"\$", "".join(given.values())), "no variable stands in an ENV so far"
        return given


def room(
    kind: str, root: Path, shown: Mapping[str, str], command: Sequence[str], *, apart: Sequence[str] = ()
) -> list[str]:
    """The command line that runs ``command`` in a room over ``root``; ``shown`` maps here to there."""
    places = [f"{what}={place}" for what, place in shown.items()]
    return [*ROOMS_OWN, *apart, str(ROOM), kind, str(root), *places, "--", *command]
