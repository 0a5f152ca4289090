"""How much an encoder's cosines say, by language: measured on the encoder itself, not set for each.

Two things differ from encoder to encoder. *Spread*: the cosines of unrelated texts lie around 0 in one and
close together around .75 in another, and the difference between a good and a bad passage shrinks alike.
*Language*: an encoder trained on English cuts French into many more pieces a word, and finds less by meaning
than by words. Both are read off forty sentences that have nothing to do with one another, and compared with
the default encoder's, whose shares were set on the development sets (docs/quality.md).
"""

from __future__ import annotations

import re
import threading
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rag.interfaces import Embedder
from rag.retrieval.fusion import EncoderScale

ENGLISH_SHARE = 0.5
FOREIGN_SHARE = 0.29
"""Share of meaning in a language whose words the encoder cuts to pieces: the default one's for French."""

_DEFAULT_SPREAD = 0.0758
_OWN_PIECES, _FOREIGN_PIECES = (
    1.35,
    1.75,
)  # pieces a word: its own language, and French for the default encoder
_LEAST_SPREAD = 0.005  # below it every text looks the same to the encoder
_WORD = re.compile(r"\w+")
_SENTENCES = {
    "en": (
        "The ferry to the island leaves at seven in the morning.",
        "She repaired the old clock with a single screw.",
        "Interest rates rose again in the second quarter.",
        "Boil the potatoes until a knife slides in.",
        "The court rejected the appeal of the two companies.",
        "Wolves have come back to the northern forests.",
        "A new password must hold twelve characters.",
        "The orchestra rehearses on Thursday evenings.",
        "Cement hardens more slowly in cold weather.",
        "His grandmother taught him to read music.",
        "The vaccine is kept in a refrigerator.",
        "Travel expenses are refunded within a month.",
        "Tomatoes need sun and plenty of water.",
        "The bridge was closed after the flood.",
        "Two players were injured in the final match.",
        "The satellite sends a picture every hour.",
        "Children under six enter the museum free of charge.",
        "The printer on the third floor is out of paper.",
        "Gold is heavier than lead.",
        "The novel is set in a village by the sea.",
    ),
    "fr": (
        "Le bac pour l'île part à sept heures du matin.",
        "Elle a réparé la vieille horloge avec une seule vis.",
        "Les taux d'intérêt ont encore augmenté au deuxième trimestre.",
        "Faites cuire les pommes de terre jusqu'à ce qu'elles soient tendres.",
        "Le tribunal a rejeté le recours des deux sociétés.",
        "Les loups sont revenus dans les forêts du nord.",
        "Un nouveau mot de passe doit comporter douze caractères.",
        "L'orchestre répète le jeudi soir.",
        "Le ciment durcit plus lentement par temps froid.",
        "Sa grand-mère lui a appris à lire la musique.",
        "Le vaccin est conservé au réfrigérateur.",
        "Les frais de déplacement sont remboursés dans le mois.",
        "Les tomates ont besoin de soleil et de beaucoup d'eau.",
        "Le pont a été fermé après la crue.",
        "Deux joueurs ont été blessés pendant la finale.",
        "Le satellite envoie une image toutes les heures.",
        "L'entrée du musée est gratuite pour les moins de six ans.",
        "L'imprimante du troisième étage n'a plus de papier.",
        "L'or est plus lourd que le plomb.",
        "Le roman se passe dans un village au bord de la mer.",
    ),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class EncoderScales:
    """The scales of one encoder.

    Attributes:
        origin: mean cosine of unrelated English sentences.
        spread: standard deviation of these cosines.
        pieces: word pieces a word, by language.
        share: given for every question, instead of by language.
    """

    origin: float
    spread: float
    pieces: dict[str, float]
    share: float | None = None

    def in_language(self, language: str) -> EncoderScale:
        """How the encoder's cosines are read for a question in ``language`` (ISO 639-1, or ``und``).

        A language that was not measured counts as foreign to the encoder as French is; ``und`` as English.
        """
        share = self.share_of(language) if self.share is None else self.share
        return EncoderScale(
            share=share, origin=self.origin, spread=_DEFAULT_SPREAD / max(self.spread, _LEAST_SPREAD)
        )

    def share_of(self, language: str) -> float:
        """Share of meaning, falling from the default encoder's for English to its one for French."""
        pieces = self.pieces["en" if language in ("en", "und") else "fr"]
        foreign = (pieces - _OWN_PIECES) / (_FOREIGN_PIECES - _OWN_PIECES)
        return ENGLISH_SHARE - (ENGLISH_SHARE - FOREIGN_SHARE) * min(max(foreign, 0.0), 1.0)

    def describe(self) -> str:
        """One sentence for people."""
        if self.share is not None:
            return f"share of meaning {self.share:.2f} for every question, as set"
        shares = ", ".join(
            f"{self.share_of(language):.2f} in {language} ({pieces:.2f} pieces a word)"
            for language, pieces in self.pieces.items()
        )
        return f"share of meaning {shares}; unrelated sentences {self.origin:.2f} ± {self.spread:.3f}"


def measure(embedder: Embedder, *, share: float | None = None) -> EncoderScales:
    """Measure an encoder; it embeds twenty short sentences.

    Args:
        share: of meaning, for every question; ``None``: by language.
    """
    vectors = embedder.embed_documents(_SENTENCES["en"])
    cosines = (vectors @ vectors.T)[np.triu_indices(len(vectors), k=1)]
    return EncoderScales(
        origin=float(cosines.mean()),
        spread=float(cosines.std()),
        pieces={language: _pieces_a_word(embedder, texts) for language, texts in _SENTENCES.items()},
        share=share,
    )


def _pieces_a_word(embedder: Embedder, texts: Sequence[str]) -> float:
    pieces = sum(len(embedder.token_offsets(text)) for text in texts)
    return pieces / sum(len(_WORD.findall(text)) for text in texts)


class MeasuredEncoders:
    """The scales of every encoder in use, each measured once."""

    def __init__(self, *, share: float | None = None) -> None:
        self._share = share
        self._measured: dict[str, EncoderScales] = {}
        self._lock = threading.Lock()

    def scales(self, embedder: Embedder) -> EncoderScales:
        """What was measured, or is now."""
        fingerprint = embedder.profile.fingerprint
        with self._lock:
            if fingerprint not in self._measured:
                self._measured[fingerprint] = measure(embedder, share=self._share)
            return self._measured[fingerprint]
