"""The language of questions and documents."""

from __future__ import annotations

import threading

import langdetect.detector_factory as profiles
import pytest

from rag.text.language import UNDETERMINED, detect_language


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("How many days of leave do I have?", "en"),
        ("Combien de jours de congés ai-je ?", "fr"),
        ("What is SEC-014?", "en"),
        ("Qu’est-ce que le RGPD ?", "fr"),
        ("Quels sont les horaires ?", "fr"),
        ("Who approves travel to Lyon?", "en"),
        ("Congés annuels", "fr"),
        ("Main document", UNDETERMINED),
        ("Budget 2024", UNDETERMINED),
        ("", UNDETERMINED),
        ("12/34 — 56", UNDETERMINED),
        ("The office closes at eight. " * 20, "en"),
        ("Le bureau ferme à vingt heures. " * 20, "fr"),
        ("Das Büro schließt um zwanzig Uhr und öffnet um acht. " * 10, "de"),
    ],
)
def test_languages_are_told_apart(text: str, language: str) -> None:
    assert detect_language(text) == language


def test_the_same_text_always_has_the_same_language() -> None:
    texts = ["Wifi password reset", "Ordre du jour", "Protocol 7", "Reset password VPN Lyon"]
    assert len({tuple(detect_language(text) for text in texts) for _ in range(5)}) == 1


def test_threads_that_start_together_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(profiles, "_factory", None)  # as at the start of a process
    text = "Das Büro schließt um zwanzig Uhr und öffnet um acht. " * 10
    found: list[str] = []
    threads = [threading.Thread(target=lambda: found.append(detect_language(text))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == ["de"] * 8
