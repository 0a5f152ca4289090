"""Why no answer is given, said in the question's language."""

from __future__ import annotations

from enum import StrEnum

from rag.domain import Draft
from rag.llm.named import EXTRACTIVE


class Refusal(StrEnum):
    """Reasons for a refusal, and for an answer that could not be verified."""

    NO_PASSAGES = "no_passages"
    NOT_ANSWERED = "not_answered"
    GENERATOR_DECLINED = "generator_declined"
    UNSUPPORTED = "unsupported"
    UNVERIFIED = "unverified"


_SENTENCES = {
    "en": {
        Refusal.NO_PASSAGES: "No document of this collection matches the question.",
        Refusal.NOT_ANSWERED: "The documents do not seem to answer this; the nearest passages are listed.",
        Refusal.GENERATOR_DECLINED: "No answer was found in the passages; the nearest are listed.",
        Refusal.UNSUPPORTED: "The drafted answer was not supported by the documents, so it is withheld.",
        Refusal.UNVERIFIED: "The groundedness check failed; read the cited passages before relying on this.",
    },
    "fr": {
        Refusal.NO_PASSAGES: "Aucun document de cette collection ne correspond à la question.",
        Refusal.NOT_ANSWERED: "Les documents ne semblent pas y répondre ; les passages proches sont listés.",
        Refusal.GENERATOR_DECLINED: "Aucune réponse dans les passages ; les plus proches sont listés.",
        Refusal.UNSUPPORTED: "La réponse rédigée n’était pas étayée par les documents ; elle est retirée.",
        Refusal.UNVERIFIED: "La vérification a échoué ; lisez les passages cités avant de vous y fier.",
    },
}


def reason_for(refusal: Refusal, language: str) -> str:
    """One sentence for the asker, in French for French questions, else in English."""
    return _SENTENCES.get(language, _SENTENCES["en"])[refusal]


_DEGRADED = {
    "en": "The language model {failed} did not answer; this is by {llm}.",
    "fr": "Le modèle de langue {failed} n’a pas répondu ; la réponse vient de {llm}.",
}
_DEGRADED_TO_QUOTES = {
    "en": "The language model {failed} did not answer; these are the documents’ own sentences.",
    "fr": "Le modèle de langue {failed} n’a pas répondu ; voici les phrases mêmes des documents.",
}


def degraded_reason(draft: Draft, language: str) -> str:
    """Who did not answer, and what is shown instead."""
    sentences = _DEGRADED_TO_QUOTES if draft.llm == EXTRACTIVE else _DEGRADED
    sentence = sentences.get(language, sentences["en"])
    return sentence.format(failed=", ".join(draft.failed), llm=draft.llm)
