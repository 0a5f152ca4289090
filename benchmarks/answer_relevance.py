"""Is an answer told from those to other questions? ``python benchmarks/answer_relevance.py SET…``.

A set is a refusal file with gold answers, a question set, or a folder in BEIR layout, whose answers are the
relevant documents. Every gold answer is measured against its own question, against a random other one, and
against the question nearest to its own; printed is how often its own one gets more (AUROC), for the measure
and for its two parts. The figures in ``eval/rag_metrics/relevance.py`` come from it.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from eval.metrics import auroc
from eval.question_set import read_question_set
from eval.rag_metrics.relevance import relevance
from eval.readers import read_beir, read_refusal
from rag.errors import DatasetError
from rag.factory import Footnote
from rag.interfaces import Embedder
from rag.settings import load_settings
from rag.text.alignment import content_terms
from rag.text.language import detect_language

Pair = tuple[str, str]
Measure = Callable[[str, str], float]
_LONGEST = 600
_MOST = 200
_SEED = 0


def pairs_of(path: Path) -> list[Pair]:
    """Questions with a gold answer each, at most 200."""
    if path.is_dir():
        data = read_beir(path)
        texts = {document.id: document.text for document in data.documents}
        found = [
            (data.queries[query].text, texts[document][:_LONGEST])
            for query, grades in data.qrels.items()
            for document in [next((each for each, grade in grades.items() if grade > 0), "")]
            if query in data.queries and document in texts
        ]
        return found[:_MOST]
    try:
        records = [each for each in read_refusal(path).records if each.answers]
        return [(each.question, each.answers[0]) for each in records][:_MOST]
    except DatasetError:
        questions = [each for each in read_question_set(path).questions if each.answers]
        return [(each.text, each.answers[0]) for each in questions][:_MOST]


def measures(embedder: Embedder) -> dict[str, Measure]:
    """Answer relevance and its parts."""

    def cosine(question: str, answer: str) -> float:
        return float(embedder.embed_query(question) @ embedder.embed_documents([answer])[0])

    def coverage(question: str, answer: str) -> float:
        language = detect_language(question)
        asked = content_terms(question, language)
        return len(asked & content_terms(answer, language)) / len(asked) if asked else 0.0

    def both(question: str, answer: str) -> float:
        return relevance(question, answer, detect_language(question), embedder)

    return {"relevance": both, "cosine alone": cosine, "words alone": coverage}


def told_apart(pairs: Sequence[Pair], others: Sequence[int], measure: Measure) -> float:
    """AUROC of own questions against the questions at ``others``."""
    own = [measure(question, answer) for question, answer in pairs]
    other = [measure(pairs[place][0], answer) for place, (_, answer) in zip(others, pairs, strict=True)]
    is_own = np.array([True] * len(own) + [False] * len(other))
    return float(auroc(is_own, np.array(own + other))[0])


def main() -> None:
    """Print a line a measure."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("sets", nargs="+", type=Path)
    draw = random.Random(_SEED)
    with Footnote(load_settings()) as footnote:
        for path in parser.parse_args().sets:
            pairs = pairs_of(path)
            asked = footnote.embedder.embed_queries([question for question, _ in pairs])
            alike = asked @ asked.T - 2 * np.eye(len(pairs))
            nearest = [int(place) for place in alike.argmax(axis=1)]
            anyone = [(place + draw.randrange(1, len(pairs))) % len(pairs) for place in range(len(pairs))]
            print(f"{path.name}, {len(pairs)} answers")
            for name, measure in measures(footnote.embedder).items():
                apart = [told_apart(pairs, others, measure) for others in (anyone, nearest)]
                print(f"  {name:14} random question {apart[0]:.3f}, nearest question {apart[1]:.3f}")


if __name__ == "__main__":
    main()
