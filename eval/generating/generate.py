"""``footnote eval generate``: documents in, a question set out."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eval.generating.candidates import LANGUAGES, Candidate
from eval.generating.choosing import UNANSWERABLE_SHARE, chosen, distinct
from eval.generating.documents import SourceDocument, read_documents, small_words_of
from eval.generating.from_sentences import from_sentences
from eval.generating.from_structure import from_structure
from eval.generating.unanswerable import unanswerable
from eval.generating.wording import WORDINGS
from eval.generating.written import Writer, Written
from eval.report import Progress, SummaryRow, silent
from rag.errors import InvalidRequest
from rag.factory import Footnote
from rag.llm.named import EXTRACTIVE

SEED = 20240229
QUESTIONS = 50


@dataclass(frozen=True, kw_only=True, slots=True)
class GeneratedSet:
    """A question set, and how it came about.

    Attributes:
        questions: in the order of the file; the answerable ones first.
        documents: how many were read.
        without_grammar: those in languages that no rule knows.
        possible: answerable questions there were to choose from.
        written: what became of a language model's questions; ``None`` when none was asked.
    """

    collection: str
    questions: tuple[Candidate, ...]
    documents: int
    without_grammar: int
    possible: int
    written: Written | None
    file: Path | None = None

    def to_json(self) -> dict[str, Any]:
        """Counts, and where the file is."""
        return {
            "collection": self.collection,
            "file": None if self.file is None else str(self.file),
            "questions": len(self.questions),
            "answerable": sum(each.document is not None for each in self.questions),
            "by_kind": _counts(each.kind.value for each in self.questions),
            "by_language": _counts(each.language for each in self.questions),
            "documents": self.documents,
            "documents_in_other_languages": self.without_grammar,
            "possible": self.possible,
            "written": None if self.written is None else self.written.to_json(),
        }

    def summary_rows(self) -> list[SummaryRow]:
        """What was made, of what."""
        answerable = sum(each.document is not None for each in self.questions)
        rows = [
            (
                "questions",
                f"{len(self.questions)}, {len(self.questions) - answerable} of them unanswerable",
            ),
            ("chosen from", f"{self.possible} possible ones in {self.documents} documents"),
            ("kinds", _listed(_counts(each.kind.value for each in self.questions))),
            ("languages", _listed(_counts(each.language for each in self.questions))),
        ]
        if self.without_grammar:
            rows.append(("left out", f"{self.without_grammar} documents neither English nor French"))
        if self.written is not None:
            rows.append(("language model", self.written.told()))
        if self.file is not None:
            rows.append(("file", str(self.file)))
        rows.append(("mind", "such questions are easier than real ones: read them, mend them, add your own"))
        return rows

    def lines(self) -> Iterator[str]:
        """The question set, one JSON object a line."""
        for number, each in enumerate(self.questions, start=1):
            row = {
                "id": f"g{number:04d}",
                "question": each.question,
                "language": each.language,
                "document": each.document,
                "quote": each.quote,
                "answer": each.answer,
                "answerable": each.document is not None,
                "group": each.kind.value,
            }
            yield json.dumps(row, ensure_ascii=False)


def generate(
    footnote: Footnote,
    collection: str,
    *,
    wanted: int = QUESTIONS,
    seed: int = SEED,
    llm: str | None = None,
    progress: Progress = silent,
) -> GeneratedSet:
    """Make at most ``wanted`` questions; one of five cannot be answered.

    Args:
        seed: the same one gives the same questions of the same documents, unless a language model writes.
        llm: writes questions of its own besides; those that hold are preferred.

    Raises:
        CollectionNotFound: there is no such collection.
        InvalidRequest: nothing in it gives a question, or ``llm`` writes none.
        ModelUnavailable: the language model cannot be set up.
    """
    if llm == EXTRACTIVE:
        raise InvalidRequest(
            f"{EXTRACTIVE} writes no questions; give --llm provider:model, or leave it out for rules alone."
        )
    found = footnote.catalog.collection(collection)
    documents = list(read_documents(footnote.catalog, found))
    known = [document for document in documents if document.language in LANGUAGES]
    candidates = distinct(_candidates(known))
    written = None
    if llm is not None:
        writer = Writer(footnote.llms.alone(llm), footnote.checker())
        written = writer.write(known, wanted=wanted, seed=seed, progress=progress)
        candidates = distinct([*written.kept, *candidates])
    answerable = chosen(candidates, wanted - round(wanted * UNANSWERABLE_SHARE), seed=seed)
    off_subject = round(len(answerable) * UNANSWERABLE_SHARE / (1 - UNANSWERABLE_SHARE))
    if not answerable:
        raise InvalidRequest(
            f"The {len(documents)} documents of {collection!r} give no question: headings, whole sentences "
            "and tables in English or French are needed. Ingest such documents, or write questions yourself."
        )
    return GeneratedSet(
        collection=collection,
        questions=(*answerable, *_off_subject(known, answerable, off_subject, seed=seed)),
        documents=len(documents),
        without_grammar=len(documents) - len(known),
        possible=len(candidates),
        written=written,
    )


def _candidates(documents: Sequence[SourceDocument]) -> Iterator[Candidate]:
    small_words = small_words_of(documents)
    for document in documents:
        wording = WORDINGS[document.language]
        yield from from_structure(document, wording)
        yield from from_sentences(document, wording, small_words)


def _off_subject(
    documents: Sequence[SourceDocument], answerable: Sequence[Candidate], wanted: int, *, seed: int
) -> Iterator[Candidate]:
    """Unanswerable questions, in the languages of the answerable ones and in their proportion."""
    languages = Counter(each.language for each in answerable)
    left = wanted
    for place, (language, count) in enumerate(sorted(languages.items())):
        is_last = place == len(languages) - 1
        share = left if is_last else round(wanted * count / len(answerable))
        left -= share
        yield from chosen(list(unanswerable(documents, language)), share, seed=seed)


def _counts(names: Iterable[str]) -> dict[str, int]:
    return dict(sorted(Counter(names).items()))


def _listed(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.items())
