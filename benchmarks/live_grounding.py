"""Does the check of answers catch what is false? ``python -m benchmarks.live_grounding [--checker NAME]``.

The sample handbook is asked its 79 answerable questions through the whole answer path. The language model is
a server on loopback that writes a true answer in other words than the document's and, in every other answer,
one false statement (:mod:`benchmarks.scripted_answers`). Printed are the false statements that were caught
(called unsupported or contradicted) and the true ones that were called so, by kind and by language; with
``--show`` the missed and the falsely alarmed ones themselves.

Left out, and counted: answers that were refused before the model was asked; true statements whose gold quote
is not among the retrieved passages, since they are not carried there; and statements from elsewhere whose
quote is among them, since they are.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from tempfile import TemporaryDirectory

from benchmarks.scripted_answers import KINDS, QUESTIONS, ScriptedAnswer, Statement, scripted_answers
from ingest.factory import build_ingestor
from ingest.sources import FolderSource
from rag.domain import Access, Answer, AnswerStatus, Verdict
from rag.factory import Footnote
from rag.settings import load_settings
from tests.openai_server import Reply, openai_server

LLM = "scripted"
COLLECTION = "handbook"
PATIENCE_S = 600  # on a busy machine
ALARMS = {Verdict.UNSUPPORTED, Verdict.CONTRADICTED}


@dataclass(frozen=True, kw_only=True)
class Judged:
    """A statement with what the checker said of it.

    Attributes:
        scores: of the answer's sentences that it became, usually one.
        in_falsified: whether its answer holds a false statement.
    """

    question_id: str
    statement: Statement
    verdicts: tuple[Verdict, ...]
    scores: tuple[float, ...]
    language: str
    in_falsified: bool

    @property
    def alarmed(self) -> bool:
        return any(verdict in ALARMS for verdict in self.verdicts)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--checker", help="groundedness checker; unset: the default one")
    parser.add_argument("--rounds", type=int, default=4, help="times every question is asked")
    parser.add_argument("--seed", type=int, default=1, help="of the choice of false statements")
    parser.add_argument("--keep", help="folder that keeps the ingested handbook for another run")
    parser.add_argument("--show", action="store_true", help="print what was missed and falsely alarmed")
    given = parser.parse_args()
    left_out: Counter[str] = Counter()
    with openai_server("") as server, _folder(given.keep) as folder:
        llms = {LLM: {"model": "openai:scripted", "base_url": server.base_url, "timeout_s": PATIENCE_S}}
        chosen = {} if given.checker is None else {"checker": given.checker}
        with Footnote(load_settings(data_dir=folder, llm=LLM, llms=llms, **chosen)) as footnote:
            ingest_handbook(footnote)

            def say(text: str) -> None:
                server.script[:] = [Reply(text=text)]

            scripted = scripted_answers(seed=given.seed, rounds=given.rounds)
            judged = [found for answer in scripted for found in asked(footnote, answer, say, left_out)]
            show_table(judged, left_out, checker=footnote.checker().name)
    if given.show:
        show_mistakes(judged)


def _folder(kept: str | None) -> AbstractContextManager[str]:
    return TemporaryDirectory() if kept is None else nullcontext(kept)


def ingest_handbook(footnote: Footnote) -> None:
    with build_ingestor(footnote) as ingestor:
        source = FolderSource(QUESTIONS.parent / "handbook")
        ingestor.sync(source, collection=footnote.open_collection(COLLECTION))


def asked(
    footnote: Footnote, scripted: ScriptedAnswer, say: Callable[[str], None], left_out: Counter[str]
) -> Iterator[Judged]:
    """The statements of one answer, as they were judged."""
    say(scripted.text)
    answerer = footnote.answerer(fallbacks=False)
    answer = answerer.answer(scripted.question.text, collection=COLLECTION, access=Access.everything())
    if answer.status is AnswerStatus.REFUSED:
        left_out["answers refused before the model was asked"] += 1
        return
    for statement in scripted.statements:
        if reason := _not_counted(statement, answer):
            left_out[reason] += 1
            continue
        start = answer.text.index(statement.text)
        sentences = [
            each for each in answer.sentences if each.start < start + len(statement.text) and start < each.end
        ]
        yield Judged(
            question_id=scripted.question.id,
            statement=statement,
            verdicts=tuple(each.verdict for each in sentences),
            scores=tuple(each.score for each in sentences),
            language=_languages(statement),
            in_falsified=scripted.is_falsified,
        )


def _not_counted(statement: Statement, answer: Answer) -> str | None:
    """Why the statement is not what it was made for, where it is not."""
    retrieved = any(
        _letters(quote) in _letters(passage.text)
        for quote in statement.source.quotes
        for passage in answer.passages
    )
    if statement.text not in answer.text:
        return "statements that the output filter changed"
    if statement.kind is None and not retrieved:
        return "true statements whose quote was not retrieved"
    if statement.kind == "elsewhere" and retrieved:
        return "statements from elsewhere whose quote was retrieved"
    return None


def _letters(text: str) -> str:
    """Only letters and figures: a table's cells are parted otherwise in the quote."""
    return "".join(character for character in text.casefold() if character.isalnum())


def _languages(statement: Statement) -> str:
    question = statement.source
    written = {document.removeprefix("handbook/")[:2] for document in question.documents}
    return question.language if question.language in written else f"{question.language} on {min(written)}"


# ---------------------------------------------------------------------------------------- the table


def show_table(judged: Sequence[Judged], left_out: Counter[str], *, checker: str) -> None:
    false = [each for each in judged if each.statement.kind]
    true = [each for each in judged if not each.statement.kind]
    print(f"checker {checker}: {len(judged)} statements\n")
    print(f"{'false statements caught':44} {share(false)}")
    for kind, explained in KINDS.items():
        print(f"  {kind + ': ' + explained:42} {share([e for e in false if e.statement.kind == kind])}")
    for language in sorted({each.language for each in false}):
        print(f"  in {language:39} {share([each for each in false if each.language == language])}")
    print(f"{'false alarms, of true statements':44} {share(true)}")
    print(f"  {'in answers without a false one':42} {share([e for e in true if not e.in_falsified])}")
    for language in sorted({each.language for each in true}):
        print(f"  in {language:39} {share([each for each in true if each.language == language])}")
    for reason, count in sorted(left_out.items()):
        print(f"left out: {count} {reason}")


def share(judged: Sequence[Judged]) -> str:
    """``82 % (14/17)``: how many were called unsupported or contradicted."""
    alarmed = sum(each.alarmed for each in judged)
    return f"{alarmed / len(judged):4.0%} ({alarmed}/{len(judged)})" if judged else "   -"


def show_mistakes(judged: Sequence[Judged]) -> None:
    for title, mistakes in (
        ("missed", [each for each in judged if each.statement.kind and not each.alarmed]),
        ("falsely alarmed", [each for each in judged if not each.statement.kind and each.alarmed]),
    ):
        print(f"\n{title}")
        for each in sorted({_line(each) for each in mistakes}):
            print(f"  {each}")


def _line(judged: Judged) -> str:
    verdicts = ", ".join(
        f"{verdict} {score:.2f}" for verdict, score in zip(judged.verdicts, judged.scores, strict=True)
    )
    quote = " | ".join(judged.statement.source.quotes)
    return (
        f"{judged.question_id} {judged.statement.kind or 'true'}, {judged.language}, {verdicts}: "
        f"{judged.statement.text}\n       says: {quote}"
    )


if __name__ == "__main__":
    main()
