"""Question sets: one question a line, with what is known of its answer."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from eval.readers import LineFailure, SquadDataset, read_squad
from eval.readers.lines import FileRow, Id, Text, read_records
from rag.text.language import detect_language


@dataclass(frozen=True, kw_only=True, slots=True)
class GoldQuestion:
    """A question with what is known of its answer; nothing else than the question has to be known.

    Attributes:
        file: name of the file it stands in, without the folder.
        line: 1-based.
        language: ``en``, ``fr``, …; detected where the line does not say.
        answerable: whether the documents hold the answer; ``None`` where nobody says.
        answers: short correct answers, any of which will do.
        documents: where the answer stands, as citations name documents (or by document id).
        quotes: texts of the documents that carry the answer, any of which will do.
        turns: questions that are asked before it in the same conversation, oldest first.
        group: a part of the set that is reported for itself.
        source: questions with the same one are no independent evidence; unset: those about one document.
    """

    id: str
    file: str
    line: int
    text: str
    language: str
    answerable: bool | None = None
    answers: tuple[str, ...] = ()
    documents: tuple[str, ...] = ()
    quotes: tuple[str, ...] = ()
    turns: tuple[str, ...] = ()
    group: str | None = None
    source: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class QuestionSet:
    """The usable questions of a file, in order, and the lines that are not."""

    name: str
    questions: tuple[GoldQuestion, ...]
    failures: tuple[LineFailure, ...]


def _as_list(value: Any) -> Any:
    if value is None:
        return []
    return [value] if isinstance(value, str) else value


def _not_blank(text: str) -> str:
    if not text.strip():
        raise ValueError("is blank; give a text, or leave the field out")
    return text


_Filled = Annotated[Text, AfterValidator(_not_blank)]
_Texts = Annotated[list[_Filled], BeforeValidator(_as_list)]
_SQUAD = ".json"
_SEVERAL = {"answer": "answers", "document": "documents", "quote": "quotes", "says": "quotes"}


class QuestionRow(FileRow):
    """A line of a question set. One text may stand where several are possible.

    ``answer``, ``document`` and ``quote`` are other names of ``answers``, ``documents`` and ``quotes``;
    ``says`` is one of ``quotes``.
    """

    id: Id
    question: _Filled
    language: Text | None = None
    answerable: bool | None = None
    answers: _Texts = Field(default_factory=list)
    documents: _Texts = Field(default_factory=list)
    quotes: _Texts = Field(default_factory=list)
    turns: _Texts = Field(default_factory=list)
    group: Text | None = None
    source: Text | None = None

    @model_validator(mode="before")
    @classmethod
    def _one_name_each(cls, row: dict[str, Any]) -> dict[str, Any]:
        named = dict(row)
        for short, full in _SEVERAL.items():
            if short in named:
                value = named.pop(short)
                if named.get(full) is not None and value is not None:
                    raise ValueError(f"both {short!r} and {full!r} are given; keep one of them")
                named[full] = value if named.get(full) is None else named[full]
        return named

    @model_validator(mode="after")
    def _agrees_with_itself(self) -> Self:
        if self.answerable is False and (self.answers or self.documents or self.quotes):
            raise ValueError("'answerable' is false, yet an answer, a document or a quote is given")
        return self


def read_question_set(file: Path) -> QuestionSet:
    """Read ``{id, question}`` lines with what else of :class:`QuestionRow` is known.

    A question with an answer, a document or a quote is answerable unless its line says otherwise. A file
    whose name ends in ``.json`` is read as SQuAD's; the sentences that hold an answer are its quotes, and the
    documents are not known, since nobody says under which names its paragraphs are kept.

    Raises:
        DatasetError: the file cannot be read or holds no usable line.
    """
    if file.name.lower().endswith(_SQUAD):
        return _from_squad(read_squad(file))
    known: set[str] = set()

    def convert(line: int, row: QuestionRow) -> GoldQuestion:
        if row.id in known:
            raise ValueError(f"the id {row.id!r} was used before; the first question with it is kept")
        known.add(row.id)
        return _question(file.name, line, row)

    questions, failures = read_records(file, QuestionRow, convert)
    return QuestionSet(name=file.name, questions=tuple(questions), failures=tuple(failures))


def _from_squad(data: SquadDataset) -> QuestionSet:
    questions = tuple(
        GoldQuestion(
            id=each.id,
            file=data.name,
            line=each.line,
            text=each.text,
            language=detect_language(each.text),
            answerable=bool(each.answers),
            answers=each.answers,
            quotes=each.sentences,
            source=each.paragraph,
        )
        for each in data.questions
    )
    return QuestionSet(name=data.name, questions=questions, failures=data.failures)


def _question(file: str, line: int, row: QuestionRow) -> GoldQuestion:
    is_known = bool(row.answers or row.documents or row.quotes)
    return GoldQuestion(
        id=row.id,
        file=file,
        line=line,
        text=row.question,
        language=row.language or detect_language(row.question),
        answerable=True if row.answerable is None and is_known else row.answerable,
        answers=tuple(row.answers),
        documents=tuple(row.documents),
        quotes=tuple(row.quotes),
        turns=tuple(row.turns),
        group=row.group,
        source=row.source,
    )
