"""The suite file: what an evaluation asks, of which documents, and what must come out.

::

    name = "handbook"                     # what the reports are called
    documents = "handbook"                # a folder, ingested into a throw-away data directory; or:
    # collection = "default"              # a collection that is there already
    questions = "questions.jsonl"
    retrieval = ["beir/scifact"]          # folders in BEIR layout
    groundedness = ["ragtruth.jsonl"]
    refusal = ["unanswerable.jsonl"]
    llm = "extractive"                    # unset: the configured one; so are checker and k
    checker = "local"
    k = 8
    seed = 20240229                       # of the intervals
    judge = "openai:gpt-5-mini"           # a language model whose opinion is asked besides; unset: none
    leave_out = ["rougeL"]                # metrics that are not wanted
    gate = ["faithfulness"]               # what --fail-on-regression looks at; unset: every share
    worst_cases = 20

    [thresholds]
    faithfulness = 0.9                    # at least; at most where lower is better

Paths are relative to the file. ``docs/evaluation.md`` explains all of it.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterator
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from eval.bootstrap import SEED
from rag.errors import SuiteError

MAX_SUITE_BYTES = 100_000
WORST_CASES = 20
_MAX_CASES = 500
_SHOWN = 80

_Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$")]
_Filled = Annotated[str, Field(min_length=1)]


class Suite(BaseModel):
    """A suite as its file says it, checked; paths are absolute.

    Attributes:
        name: also the name of the report's files.
        documents: folder or file to ingest for the questions; ``collection`` instead: one that is there.
        leave_out: metrics that are not computed.
        gate: metrics that ``--fail-on-regression`` looks at; empty: every one between 0 and 1.
        thresholds: by metric; a value on the wrong side fails the run.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    name: _Name
    documents: Path | None = Field(default=None, strict=False)
    collection: _Filled | None = None
    questions: Path | None = Field(default=None, strict=False)
    retrieval: tuple[Path, ...] = Field(default=(), strict=False)
    groundedness: tuple[Path, ...] = Field(default=(), strict=False)
    refusal: tuple[Path, ...] = Field(default=(), strict=False)
    llm: _Filled | None = None
    checker: _Filled | None = None
    judge: _Filled | None = None
    k: int | None = Field(default=None, ge=1, le=50)
    seed: int = Field(default=SEED, ge=0, le=2**32 - 1)
    leave_out: tuple[_Filled, ...] = Field(default=(), strict=False)
    gate: tuple[_Filled, ...] = Field(default=(), strict=False)
    worst_cases: int = Field(default=WORST_CASES, ge=0, le=_MAX_CASES)
    thresholds: dict[str, float] = Field(default={}, strict=False)

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if self.questions is None and (self.documents or self.collection):
            raise ValueError("'documents' or 'collection' is given, but no 'questions' to ask of it")
        if not (self.questions or self.retrieval or self.groundedness or self.refusal):
            raise ValueError("nothing to run; give 'questions', 'retrieval', 'groundedness' or 'refusal'")
        if self.questions is not None and (self.documents is None) == (self.collection is None):
            raise ValueError("'questions' need either 'documents', a folder, or 'collection', and not both")
        both = sorted({*self.thresholds, *self.gate} & {*self.leave_out})
        if both:
            raise ValueError(f"{both[0]!r} is left out, so it can have no threshold and be no gate")
        return self

    def paths(self) -> Iterator[tuple[str, Path]]:
        """Every file and folder the suite reads, with the key that names it."""
        for key in ("documents", "questions"):
            if (path := getattr(self, key)) is not None:
                yield key, path
        for key in ("retrieval", "groundedness", "refusal"):
            yield from ((key, path) for path in getattr(self, key))


def read_suite(file: Path, *, accept: Callable[[Path], None] = lambda _: None) -> Suite:
    """Read a suite and find everything it names.

    Args:
        accept: called with each path before it is looked for; raises to refuse it.

    Raises:
        SuiteError: it cannot be read, a key is unknown or has a value that cannot be, or a file is missing;
            the message names the key and its line.
    """
    text = _text_of(file)
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as exc:
        raise SuiteError(f"{file} is not sound TOML: {exc}.") from exc
    try:
        suite = Suite.model_validate(_with_paths(table, file.absolute().parent))
    except ValidationError as exc:
        raise SuiteError(_problem(exc, file, text)) from exc
    _refuse_same_names(suite, file, text)
    for key, path in suite.paths():
        accept(path)
        if not path.exists():
            raise SuiteError(
                f"{_place(file, text, key)}: {key!r} names {str(path)!r}, which does not exist; "
                "paths are relative to the suite's own folder."
            )
    return suite


def _refuse_same_names(suite: Suite, file: Path, text: str) -> None:
    """Parts are told apart by the names of their files."""
    known: set[tuple[str, str]] = set()
    for key, path in suite.paths():
        if (key, path.name) in known:
            raise SuiteError(
                f"{_place(file, text, key)}: {key!r} names two that are called {path.name!r}; rename one, "
                "the report tells them apart by name."
            )
        known.add((key, path.name))


def _text_of(file: Path) -> str:
    try:
        with file.open("rb") as stream:
            content = stream.read(MAX_SUITE_BYTES + 1)
        if len(content) > MAX_SUITE_BYTES:
            raise SuiteError(f"{file} is larger than {MAX_SUITE_BYTES:,} bytes, which no suite is.")
        return content.decode("utf-8-sig")
    except OSError as exc:
        raise SuiteError(f"The suite {file} cannot be read ({exc.strerror}); name a TOML file.") from exc
    except UnicodeDecodeError as exc:
        raise SuiteError(f"The suite {file} is not UTF-8 (byte {exc.start}); save it as UTF-8.") from exc


def _with_paths(table: dict[str, Any], folder: Path) -> dict[str, Any]:
    """The table with its paths taken from ``folder``; values of another type are left to the validation."""
    found = dict(table)
    for key in ("documents", "questions"):
        if isinstance(found.get(key), str):
            found[key] = folder / found[key]
    for key in ("retrieval", "groundedness", "refusal"):
        if isinstance(found.get(key), list):
            found[key] = [folder / each if isinstance(each, str) else each for each in found[key]]
    return found


def _problem(exc: ValidationError, file: Path, text: str) -> str:
    problem = exc.errors(include_url=False)[0]
    names = [str(part) for part in problem["loc"]]
    if not names:
        return f"{file}: {problem['msg'].removeprefix('Value error, ')}."
    key = names[0]
    if problem["type"] == "extra_forbidden":
        near = get_close_matches(key, Suite.model_fields, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(Suite.model_fields)}."
        return f"{_place(file, text, key)}: unknown key {key!r}; {hint}"
    if problem["type"] == "missing":
        return f"{file}: {key!r} is missing."
    given = repr(problem["input"])
    shown = given if len(given) <= _SHOWN else f"{given[:_SHOWN]}…"
    place = _place(file, text, names[-1] if key == "thresholds" else key)
    return f"{place}: {'.'.join(names)!r}: {problem['msg']}, got {shown}."


def _place(file: Path, text: str, key: str) -> str:
    """``FILE, line 5``: where ``key`` is set, if that can be seen."""
    setting = re.compile(rf"""\s*(?:\[+\s*)?["']?{re.escape(key)}["']?\s*[=.\]]""")
    lines = (number for number, line in enumerate(text.splitlines(), start=1) if setting.match(line))
    line = next(lines, None)
    return str(file) if line is None else f"{file}, line {line}"
