"""Do the passages hold the answer? A calibrated guess before anything is generated.

Logistic regression over a few signals of retrieval and evidence, fitted by ``python -m eval.calibrate
answerability`` on English questions and stored beside this file. Weights of their own for French did worse
on French questions: the one French development set is a single FAQ whose answers all resemble each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from importlib.resources import files

from pydantic import BaseModel, ConfigDict

from rag.answering.evidence import ScoredSentence, SentenceScorer
from rag.domain import Passage, Question
from rag.logistic import Weights
from rag.text.alignment import content_terms

FEATURES = ("sentence_cosine", "passage_cosine", "sentence_coverage", "passage_coverage", "missing_terms")
_WEIGHTS_FILE = "answerability.json"
_READ_PASSAGES = 5


class AnswerabilityModel(BaseModel):
    """The stored file: the weights of the signals, and the threshold of the product."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    threshold: float
    signals: Weights


@lru_cache(maxsize=1)
def stored_model() -> AnswerabilityModel:
    """The weights that come with Footnote."""
    return AnswerabilityModel.model_validate_json(files("rag.answering").joinpath(_WEIGHTS_FILE).read_bytes())


class CalibratedAnswerabilityJudge:
    """Judges from the similarity and the shared terms of question, passages and their best sentence."""

    def __init__(self, scorer: SentenceScorer, model: AnswerabilityModel | None = None) -> None:
        self._scorer = scorer
        self._model = model or stored_model()

    @property
    def threshold(self) -> float:
        """Below it the question is refused."""
        return self._model.threshold

    def probability(self, question: Question, passages: Sequence[Passage]) -> float:
        """Probability, 0 to 1, that the passages answer the question; 0 without passages."""
        if not passages:
            return 0.0
        return self._model.signals.probability(self.features(question, passages))

    def features(self, question: Question, passages: Sequence[Passage]) -> dict[str, float]:
        """The signals, by name."""
        read = passages[:_READ_PASSAGES]
        scored = self._scorer.score(question, read)
        best = max(scored, key=lambda sentence: sentence.score, default=None)
        wanted = content_terms(question.text, question.language)
        held = [
            content_terms(f"{passage.title} {passage.heading} {passage.text}", question.language)
            for passage in read
        ]
        shares = [len(wanted & terms) / len(wanted) if wanted else 0.0 for terms in held]
        everything = frozenset().union(*held)
        return {
            "sentence_cosine": max((sentence.cosine for sentence in scored), default=0.0),
            "passage_cosine": max(self._passage_cosines(question, read)),
            "sentence_coverage": _coverage(best),
            "passage_coverage": max(shares),
            "missing_terms": float(len(wanted - everything)),
        }

    def _passage_cosines(self, question: Question, passages: Sequence[Passage]) -> list[float]:
        known = [passage.scores.get("dense") for passage in passages]
        if any(value is None for value in known):
            return self._scorer.passage_cosines(question, passages)
        return [float(value) for value in known if value is not None]


def _coverage(sentence: ScoredSentence | None) -> float:
    return sentence.coverage if sentence is not None else 0.0
