"""Do the passages hold the answer? A calibrated guess before anything is generated.

Logistic regression over a few signals of retrieval and evidence, fitted by ``python -m eval.calibrate
answerability`` on English questions and stored beside this file. The one French development set is no help:
in a single FAQ, whose answers all resemble each other, the nearest wrong answer looks like the right one.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from importlib.resources import files

from pydantic import BaseModel, ConfigDict

from rag.answering.evidence import SentenceScorer
from rag.domain import Passage, Question
from rag.logistic import Weights

FEATURES = ("sentence_cosine", "passage_cosine", "held", "likeness", "weakest")
_WEIGHTS_FILE = "answerability.json"


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
    """Judges by how alike question, passages and their best statement are, in meaning and in words."""

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
        """The signals, by name: of the best statement, of the passages, and of all of them together."""
        reading = self._scorer.read(question, passages)
        best = next(iter(reading.sentences), None)
        return {
            "sentence_cosine": max((sentence.cosine for sentence in reading.sentences), default=0.0),
            "passage_cosine": max(self._passage_cosines(question, passages)),
            "held": reading.held,
            "likeness": best.likeness if best else 0.0,
            "weakest": best.weakest if best else 0.0,
        }

    def _passage_cosines(self, question: Question, passages: Sequence[Passage]) -> list[float]:
        known = [passage.scores["dense"] for passage in passages if "dense" in passage.scores]
        return known or self._scorer.passage_cosines(question, passages)
