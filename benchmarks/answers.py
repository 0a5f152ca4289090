"""How good the answers without a language model are: ``python benchmarks/answers.py [SET…] [--data DIR]``.

``handbook`` and ``formats`` are our own questions; nothing is fitted to them. With ``--data`` (a folder that
holds ``retrieval/``) also ``xquad-en``, whose answers are spans, and ``cnil-fr``, where only the document is
known. Each set is ingested into a throw-away data directory, every question is asked twice (with cold and
with warm caches), and every measure is printed by language:

- *token-F1* of the answer against the short gold answer and against the gold sentence;
- *citations, gold*: precision is the share of citations that overlap the gold sentence (or lie in its
  document), recall the share of questions whose gold sentence (or document) is cited;
- *citations, carried*: precision is the share of citations whose quote carries its sentence by the
  groundedness checker, recall the share of sentences that their citations carry (as ALCE defines them, Gao
  et al. 2023, https://arxiv.org/abs/2305.14627, with our checker in the place of its NLI model).
"""

from __future__ import annotations

import argparse
import json
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from eval.answered import AnsweredQuestion, ask_all
from eval.metrics import percentiles, token_f1
from eval.question_set import GoldQuestion, read_question_set
from eval.rag_metrics.citations import CarriedSentence, CitationChecks
from eval.rag_metrics.gold import in_gold_document, overlap, plain
from eval.readers import read_beir
from eval.records import RecordSource, ingest_records
from eval.report import silent
from ingest.factory import build_ingestor
from ingest.sources import FolderSource
from rag.domain import Access, Answer
from rag.factory import Footnote
from rag.settings import load_settings
from rag.text.language import detect_language

SAMPLES = Path(__file__).parents[1] / "samples"
QUESTIONS = {"handbook": "questions.jsonl", "formats": "questions-formats.jsonl"}
RETRIEVAL_SETS = ("xquad-en", "cnil-fr")
EVERYTHING = Access.everything()


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A question with its answer, asked twice.

    Attributes:
        carried: the statements of the answer, by what their citations are worth.
    """

    cold: AnsweredQuestion
    carried: tuple[CarriedSentence, ...]
    warm_ms: float

    @property
    def gold(self) -> GoldQuestion:
        """The question."""
        return self.cold.question

    @property
    def answer(self) -> Answer:
        """What was answered the first time."""
        return self.cold.answer

    @property
    def gold_documents(self) -> list[bool]:
        """Of each citation, whether it lies in a gold document."""
        return [in_gold_document(citation, self.gold) for citation in self.answer.citations]

    @property
    def gold_quotes(self) -> list[bool]:
        """Of each citation, whether it overlaps a gold sentence of a gold document."""
        return [
            right and any(overlap(citation.quote, quote) for quote in self.gold.quotes)
            for citation, right in zip(self.answer.citations, self.gold_documents, strict=True)
        ]

    @property
    def holds_gold(self) -> bool:
        """Whether a gold sentence stands in the answer as a whole."""
        return any(plain(quote) in plain(self.answer.text) for quote in self.gold.quotes)


# ----------------------------------------------------------------------------------------- the sets


def open_samples(name: str, footnote: Footnote) -> list[GoldQuestion]:
    """Our own documents and questions."""
    with build_ingestor(footnote) as ingestor:
        ingestor.sync(FolderSource(SAMPLES / name), collection=footnote.open_collection(name))
    return list(read_question_set(SAMPLES / QUESTIONS[name]).questions)


def open_retrieval_set(folder: Path, footnote: Footnote, workspace: Path) -> list[GoldQuestion]:
    """A retrieval set; the answers are in ``metadata.answers`` of its queries, if it has any."""
    dataset = read_beir(folder)
    source = RecordSource(dataset.documents, folder=workspace, label=dataset.name)
    collection = footnote.open_collection(dataset.name)
    records = ingest_records(footnote, source, collection=collection, progress=silent).record_ids
    documents = {record: document for document, record in records.items()}
    lines = (json.loads(line) for line in (folder / "queries.jsonl").read_text().splitlines())
    answers = {line["_id"]: tuple(line.get("metadata", {}).get("answers", ())) for line in lines}
    return [
        GoldQuestion(
            id=query_id,
            file="queries.jsonl",
            line=dataset.queries[query_id].line,
            text=dataset.queries[query_id].text,
            language=detect_language(dataset.queries[query_id].text),
            answerable=True,
            documents=tuple(documents[record] for record, grade in grades.items() if grade > 0),
            answers=answers[query_id],
            quotes=answers[query_id],
        )
        for query_id, grades in dataset.qrels.items()
        if query_id in dataset.queries
    ]


def ask_twice(footnote: Footnote, collection: str, golds: Sequence[GoldQuestion]) -> list[Asked]:
    """Every question twice: first all of them cold, then all again."""
    cold, failures = ask_all(footnote, golds, collection=collection)
    warm, more = ask_all(footnote, golds, collection=collection)
    if failures or more:
        raise SystemExit("\n".join(failure.reason for failure in (*failures, *more)))
    checks = CitationChecks(footnote.checker())
    return [
        Asked(cold=first, carried=checks.of(first.answer), warm_ms=again.milliseconds)
        for first, again in zip(cold, warm, strict=True)
    ]


def quotes_hold(footnote: Footnote, answer: Answer) -> bool:
    """Whether each citation's offsets give its quote in the stored document."""
    return all(
        footnote.catalog.content(each.document_id, access=EVERYTHING, version=each.version).text[
            each.start : each.end
        ]
        == each.quote
        for each in answer.citations
    )


# ---------------------------------------------------------------------------------------- the table


def rows(asked: Sequence[Asked]) -> Iterator[tuple[str, str]]:
    """Every measure by name."""
    good = [each for each in asked if each.gold.answerable]
    given = [each for each in good if not each.cold.refused]
    yield "answerable, not", f"{len(good)}, {len(asked) - len(good)}"
    yield "refused, rightly", share([each.cold.refused for each in asked if not each.gold.answerable])
    yield "refused, wrongly", share([each.cold.refused for each in good])
    for wanted in ("answers", "quotes"):
        scores = [token_f1(each.answer.text, getattr(each.gold, wanted)) for each in given]
        if any(getattr(each.gold, wanted) for each in given):
            all_ = sum(scores) / len(good)
            yield f"token-F1, {wanted}", f"{statistics.mean(scores):.3f} of those answered, {all_:.3f} of all"
    with_quotes = [each for each in given if each.gold.quotes]
    yield "gold sentence whole", share([each.holds_gold for each in with_quotes])
    for name, hits in (
        ("gold sentence", [each.gold_quotes for each in with_quotes]),
        ("gold document", [each.gold_documents for each in given]),
    ):
        found = [any(each) for each in hits]
        yield f"cited {name}: precision", share([hit for each in hits for hit in each])
        yield (
            f"cited {name}: recall",
            f"{share(found)} of those answered, {sum(found) / len(good):.2f} of all",
        )
    sentences = [sentence for each in given for sentence in each.carried]
    yield "carried: precision", share([precise for each in sentences for precise in each.precise])
    yield "carried: recall", share([each.carried for each in sentences])
    yield "sentences an answer", f"{statistics.mean(len(each.answer.sentences) for each in given):.2f}"
    for name, values in (
        ("cold", [each.cold.milliseconds for each in asked]),
        ("warm", [each.warm_ms for each in asked]),
    ):
        found_ms = percentiles(values, (50, 95))
        yield f"milliseconds, {name}", f"p50 {found_ms['p50']:.0f}, p95 {found_ms['p95']:.0f}"


def share(hits: Sequence[bool]) -> str:
    """``0.87 (54/62)``."""
    return f"{sum(hits) / len(hits):.2f} ({sum(hits)}/{len(hits)})" if hits else "-"


def misses(asked: Sequence[Asked]) -> Iterator[str]:
    """What went wrong, question by question."""
    for each in asked:
        gold, answer = each.gold, each.answer
        if gold.answerable and (each.cold.refused or not any(each.gold_quotes or each.gold_documents)):
            wanted = gold.quotes or tuple(gold.documents)
            yield f"{gold.id} {gold.text}\n  want {wanted}"
            yield f"  got  {answer.answerability:.2f} {answer.text!r}"
        elif not gold.answerable and not each.cold.refused:
            yield f"NOT REFUSED {gold.id} {answer.answerability:.2f} {gold.text}\n  got  {answer.text!r}"


def main() -> None:
    """Print the tables, and with ``--verbose`` every miss."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("sets", nargs="*", default=["handbook", "formats"], help="default: handbook formats")
    parser.add_argument("--data", type=Path, help="folder that holds retrieval/")
    parser.add_argument("--questions", type=int, help="only so many questions of each set, evenly drawn")
    parser.add_argument("--verbose", action="store_true", help="print every miss")
    arguments = parser.parse_args()
    for name in arguments.sets:
        if name not in QUESTIONS and (name not in RETRIEVAL_SETS or not arguments.data):
            parser.error(
                f"the set is {name!r}, expected {', '.join(QUESTIONS)}, or with --data {RETRIEVAL_SETS}"
            )
        with (
            TemporaryDirectory() as folder,
            TemporaryDirectory() as workspace,
            Footnote(load_settings(data_dir=folder)) as footnote,
        ):
            if name in QUESTIONS:
                golds = open_samples(name, footnote)
            else:
                golds = open_retrieval_set(arguments.data / "retrieval" / name, footnote, Path(workspace))
            step = max(1, len(golds) // (arguments.questions or len(golds)))
            asked = ask_twice(footnote, name, golds[::step])
            holding = [quotes_hold(footnote, each.answer) for each in asked]
        languages = [code for code in ("en", "fr") if sum(each.gold.language == code for each in asked) > 5]
        for language in languages:
            print(f"\n{name}, {language}")
            for label, value in rows([each for each in asked if each.gold.language == language]):
                print(f"  {label:32} {value}")
        print(f"  {'quotes in place':32} {share(holding)}")
        if arguments.verbose:
            print("\n".join(misses(asked)))


if __name__ == "__main__":
    main()
