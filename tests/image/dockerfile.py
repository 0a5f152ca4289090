"""The Dockerfile, read far enough to be followed without an engine.

It knows the instructions that the Dockerfile uses and refuses any other, so that nothing is skipped silently.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

KNOWN = "ARG CMD COPY ENTRYPOINT ENV EXPOSE FROM HEALTHCHECK RUN USER VOLUME WORKDIR".split()
_FLAG = re.compile(r"--([a-z-]+)=(\S+)\s+")
_PAIR = re.compile(r'([A-Za-z_][A-Za-z0-9_]*)(?:=(?:"([^"]*)"|(\S*)))?')


@dataclass(frozen=True, kw_only=True, slots=True)
class Instruction:
    """One instruction: its word, its ``--name=value`` flags, and the rest as it stands."""

    word: str
    flags: Sequence[tuple[str, str]]
    rest: str

    def flag(self, name: str) -> str | None:
        """The value of a flag that is given at most once."""
        return dict(self.flags).get(name)

    def pairs(self) -> Mapping[str, str | None]:
        """``NAME=value`` of an ENV or ARG; ``None`` where no value is given."""
        return {
            name: quoted if quoted is not None else plain
            for name, quoted, plain in (match.groups() for match in _PAIR.finditer(self.rest))
        }

    def words(self) -> list[str]:
        """The JSON list of a CMD, ENTRYPOINT or HEALTHCHECK."""
        return [str(word) for word in json.loads(self.rest.removeprefix("CMD").strip())]

    def secrets(self) -> Mapping[str, str]:
        """Secrets a RUN is shown, from their id to the path they have there."""
        mounts = [dict(part.split("=", 1) for part in value.split(",")) for _, value in self.flags]
        assert all(mount["type"] == "secret" for mount in mounts), self
        return {mount["id"]: mount.get("target", f"/run/secrets/{mount['id']}") for mount in mounts}


@dataclass(kw_only=True)
class Stage:
    """One ``FROM … AS name`` and what follows it."""

    name: str
    base: str
    instructions: list[Instruction] = field(default_factory=list)


@dataclass(kw_only=True)
class Dockerfile:
    """All stages by name, in their order, and the arguments before the first of them."""

    arguments: dict[str, str | None] = field(default_factory=dict)
    stages: dict[str, Stage] = field(default_factory=dict)

    def line(self, target: str) -> list[Stage]:
        """The stage and those it stands on, the lowest first."""
        stage = self.stages[target]
        return [*(self.line(stage.base) if stage.base in self.stages else []), stage]

    def of(self, target: str, word: str) -> list[Instruction]:
        """All instructions of one kind that shape an image."""
        return [each for stage in self.line(target) for each in stage.instructions if each.word == word]


def read_dockerfile(path: Path) -> Dockerfile:
    """Read ``path``.

    Raises:
        AssertionError: it uses an instruction that is not known here.
    """
    dockerfile = Dockerfile()
    stage: Stage | None = None
    for instruction in _instructions(path.read_text("utf-8")):
        assert instruction.word in KNOWN, f"{instruction.word} is not known to {Path(__file__).name}"
        if instruction.word == "FROM":
            base, _, name = instruction.rest.partition(" AS ")
            stage = dockerfile.stages[name] = Stage(name=name, base=base)
        elif stage is None:
            dockerfile.arguments.update(instruction.pairs())
        else:
            stage.instructions.append(instruction)
    return dockerfile


def _instructions(text: str) -> Iterator[Instruction]:
    lines = "\n".join(line for line in text.splitlines() if not line.startswith("#"))
    for line in lines.replace("\\\n", " ").splitlines():
        if not line.strip():
            continue
        word, rest = line.split(None, 1)
        flags = []
        while match := _FLAG.match(rest):
            flags.append((match[1], match[2]))
            rest = rest[match.end() :]
        yield Instruction(word=word, flags=flags, rest=" ".join(rest.split()))
