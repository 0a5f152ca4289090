"""How well the extractive answerer does on our own questions: ``python benchmarks/samples.py [formats]``.

Ingests the sample handbook (or the folder with a file of every supported type) into a throw-away data
directory, asks every question, and prints by language: how often the right document is retrieved and cited,
how often the answer holds the gold sentence, how often unanswerable questions are refused, and whether every
quote stands where its citation says.
"""

from __future__ import annotations

import argparse
import json
import re
import statistics
from pathlib import Path
from tempfile import TemporaryDirectory

from ingest.factory import build_ingestor
from ingest.sources import FolderSource
from rag.domain import Access, Answer, AnswerStatus
from rag.factory import Footnote
from rag.settings import load_settings

SAMPLES = Path(__file__).parents[1] / "samples"
QUESTIONS = {"handbook": "questions.jsonl", "formats": "questions-formats.jsonl"}
COLLECTION = "samples"


def plain(text: str) -> str:
    """Letters and digits only, so that white space and table separators don't count."""
    return re.sub(r"[\W_]+", "", text.lower())


def ask_all(footnote: Footnote, questions: list[dict[str, object]]) -> list[Answer]:
    """An answer per question."""
    answerer = footnote.answerer()
    return [
        answerer.answer(str(each["question"]), collection=COLLECTION, access=Access.everything())
        for each in questions
    ]


def quotes_hold(footnote: Footnote, answer: Answer) -> bool:
    """Whether each citation's offsets give its quote in the stored document."""
    return all(
        footnote.catalog.content(each.document_id, access=Access.everything(), version=each.version).text[
            each.start : each.end
        ]
        == each.quote
        for each in answer.citations
    )


def share(hits: list[bool]) -> str:
    """``0.87 (54/62)``."""
    return f"{sum(hits) / len(hits):.2f} ({sum(hits)}/{len(hits)})" if hits else "-"


def main() -> None:
    """Print the table, and with ``--verbose`` every miss."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--verbose", action="store_true", help="print every miss")
    parser.add_argument("folder", nargs="?", choices=QUESTIONS, default="handbook")
    arguments = parser.parse_args()
    questions = [
        json.loads(line) for line in (SAMPLES / QUESTIONS[arguments.folder]).read_text().splitlines()
    ]
    with TemporaryDirectory() as folder, Footnote(load_settings(data_dir=folder)) as footnote:
        with build_ingestor(footnote) as ingestor:
            ingestor.sync(
                FolderSource(SAMPLES / arguments.folder), collection=footnote.open_collection(COLLECTION)
            )
        answers = ask_all(footnote, questions)
        holding = [quotes_hold(footnote, answer) for answer in answers]
    pairs = list(zip(questions, answers, strict=True))
    for language in ("en", "fr"):
        mine = [(question, answer) for question, answer in pairs if question["language"] == language]
        good = [(question, answer) for question, answer in mine if question["answerable"]]
        bad = [answer for question, answer in mine if not question["answerable"]]
        given = [(question, answer) for question, answer in good if answer.status is AnswerStatus.ANSWERED]
        print(f"{language}: {len(good)} answerable, {len(bad)} not")
        print("  document first    ", share([_first(question, answer) for question, answer in good]))
        print("  document retrieved", share([_retrieved(question, answer) for question, answer in good]))
        print("  refused, rightly  ", share([answer.status is AnswerStatus.REFUSED for answer in bad]))
        print("  refused, wrongly  ", share([answer.status is AnswerStatus.REFUSED for _, answer in good]))
        print("  document cited    ", share([_cited(question, answer) for question, answer in given]))
        print("  gold sentence     ", share([_holds(question, answer) for question, answer in given]))
        print("  sentences         ", f"{statistics.mean(len(answer.sentences) for _, answer in given):.1f}")
        if arguments.verbose:
            for question, answer in good:
                if answer.status is AnswerStatus.REFUSED or not _holds(question, answer):
                    print(f"    {question['id']} {question['question']}\n      want {question['quote']}")
                    print(f"      got  {answer.status} {answer.answerability:.2f} {answer.text!r}")
            for question, answer in mine:
                if not question["answerable"] and answer.status is AnswerStatus.ANSWERED:
                    print(
                        f"    NOT REFUSED {question['id']} {answer.answerability:.2f} {question['question']}"
                    )
                    print(f"      got  {answer.text!r}")
    print("quotes in place:", share(holding))
    print("milliseconds a question:", f"{statistics.median(a.timings_ms['total'] for a in answers):.0f}")


def _first(question: dict[str, object], answer: Answer) -> bool:
    return bool(answer.passages) and answer.passages[0].source_uri == question["document"]


def _retrieved(question: dict[str, object], answer: Answer) -> bool:
    return any(passage.source_uri == question["document"] for passage in answer.passages)


def _cited(question: dict[str, object], answer: Answer) -> bool:
    return any(citation.source_uri == question["document"] for citation in answer.citations)


def _holds(question: dict[str, object], answer: Answer) -> bool:
    return plain(str(question["quote"])) in plain(answer.text)


if __name__ == "__main__":
    main()
