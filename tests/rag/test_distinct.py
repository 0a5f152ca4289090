"""Which retrieved passages are shown, and put before a generator."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from rag.domain import Access, Passage
from rag.factory import Footnote
from rag.retrieval.distinct import choose_passages
from rag.settings import load_settings
from tests.passages import passage
from tests.sources import EMBEDDER, new_version, put

LEAVE = (
    "Full-time staff have 27 days of annual leave a year, plus the eight bank holidays in England and Wales."
)


def of(document: str, text: str) -> Passage:
    return replace(passage(text), document_id=document)


def texts(passages: Sequence[Passage]) -> list[str]:
    return [each.text for each in passages]


def test_a_text_is_shown_once_from_where_it_ranks_best() -> None:
    copy = of("copy", LEAVE.upper().replace(" ", "\n"))
    nearly = of("draft", f"{LEAVE} " + "Ask your manager first, in writing, and wait for the answer. " * 3)
    chosen = choose_passages([of("policy", LEAVE), copy, nearly], k=8, per_document=4)
    assert [each.document_id for each in chosen] == ["policy", "draft"]


def test_texts_of_one_form_are_not_copies() -> None:
    rows = [
        of(str(day), f"On day {day} the sauna opens at {day + 8} and the pool at {day}.") for day in range(5)
    ]
    assert choose_passages(rows, k=5, per_document=1) == rows


def test_one_document_leaves_room_for_others_in_the_order_of_the_list() -> None:
    long = [of("long", f"Chapter {number} speaks of the matter at {number} lengths.") for number in range(6)]
    other = of("short", "This says it in one line.")
    chosen = choose_passages([*long, other], k=3, per_document=2)
    assert texts(chosen) == texts([long[0], long[1], other])


def test_a_document_fills_the_places_that_no_other_takes() -> None:
    long = [of("long", f"Chapter {number} speaks of the matter at {number} lengths.") for number in range(6)]
    assert texts(choose_passages(long, k=4, per_document=1)) == texts(long[:4])


def test_nothing_is_chosen_from_nothing() -> None:
    assert choose_passages([], k=8, per_document=4) == []


def test_a_search_shows_the_best_of_all_copies_and_fills_up_with_others(tmp_path: Path) -> None:
    pages = {f"copy-{number}.md": LEAVE for number in range(4)} | {
        "carry.md": "Unused annual leave is lost in April.",
        "vpn.md": "The VPN needs a hardware key.",
    }
    with Footnote(load_settings(data_dir=tmp_path), embedder=EMBEDDER) as footnote:
        collection = footnote.open_collection("handbook")
        for path, text in pages.items():
            put(footnote.catalog, collection.id, new_version(path, text))
        asked: dict[str, Any] = {"collection": "handbook", "access": Access.everything(), "k": 2}
        plain = footnote.retriever.retrieve("27 days of annual leave a year", **asked)
        distinct = footnote.distinct_retriever.retrieve("27 days of annual leave a year", **asked)
    assert texts(plain.passages) == [LEAVE, LEAVE]
    assert texts(distinct.passages) == [LEAVE, pages["carry.md"]]
