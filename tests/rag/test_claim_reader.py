"""The model that reads claims against evidence: what it may see, and what it must not."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
import torch
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace

from rag.domain import Evidence
from rag.grounding.local.evidence import units
from rag.grounding.local.memory import EvidenceMemory
from rag.grounding.local.pieces import (
    NEIGHBOUR_MATCH,
    NO_MATCH,
    PASSAGE_PIECES,
    PIECE_MATCH,
    SPECIAL_MATCH,
    claim_pieces,
    claim_tokens,
    evidence_tokens,
    held,
    matches,
    passages,
)
from rag.grounding.local.reader import EvidenceReader, Memory, ReaderShape, Tokens
from rag.grounding.local.reading import Asked, ClaimReader, ClaimReading

WORDS = (
    "the leave is paid for twenty five days and a key must be reported within one hour of loss not".split()
)
SHAPE = ReaderShape(vocabulary=200, positions=300, width=24, inner=48, heads=3, layers=3)
EVIDENCE = ["the leave is paid for twenty five days", "a key must be reported within one hour of loss"]
CLAIMS = ["leave is paid", "a key must not be reported", "twenty five days of leave and one hour"]


def tokenizer() -> Tokenizer:
    numbers = {word: number for number, word in enumerate([*WORDS, "[UNK]"], start=103)}
    model = Tokenizer(WordLevel(numbers, unk_token="[UNK]"))
    model.pre_tokenizer = Whitespace()
    return model


def claim_reader() -> ClaimReader:
    torch.manual_seed(7)
    reader = EvidenceReader(SHAPE)
    torch.nn.init.normal_(reader.matches.weight)
    return ClaimReader(reader, tokenizer())


def test_a_claim_is_judged_alike_alone_and_among_others() -> None:
    reader = claim_reader()
    evidence = [passage for text in EVIDENCE for passage in reader.cut(text)]
    together = reader.judge([(claim, evidence) for claim in CLAIMS])
    for claim, among in zip(CLAIMS, together, strict=True):
        (alone,) = claim_reader().judge([(claim, evidence)])
        torch.testing.assert_close(torch.tensor(alone.pieces), torch.tensor(among.pieces))
        torch.testing.assert_close(torch.tensor(alone.whole), torch.tensor(among.whole))


def test_the_order_of_passages_does_not_matter() -> None:
    reader = claim_reader()
    found = [passage for text in EVIDENCE for passage in reader.cut(text)]
    forth = reader.judge([(claim, found) for claim in CLAIMS])
    back = reader.judge([(claim, found[::-1]) for claim in CLAIMS])
    for one, other in zip(forth, back, strict=True):
        torch.testing.assert_close(torch.tensor(one.pieces), torch.tensor(other.pieces))


def test_every_passage_of_the_evidence_is_seen_by_every_claim() -> None:
    reader = claim_reader()
    first, second = (reader.cut(text)[0] for text in EVIDENCE)
    with_both, with_first = reader.judge([(CLAIMS[0], [first, second]), (CLAIMS[0], [first])])
    assert abs(with_both.pieces - with_first.pieces).max() > 1e-4


def test_rows_of_a_batch_do_not_see_each_other() -> None:
    torch.manual_seed(7)
    reader = EvidenceReader(SHAPE).eval()
    encoder = tokenizer()
    found = [passages(units(text), encoder) for text in EVIDENCE]
    claims = [
        [(claim, matches(claim, held(row))) for claim in claim_pieces(CLAIMS, encoder)] for row in found
    ]
    with torch.inference_mode():
        evidence = evidence_tokens(found)
        together, _ = reader.judge(reader.read(evidence), evidence.lengths, claim_tokens(claims))
        alone = evidence_tokens(found[1:])
        second, _ = reader.judge(reader.read(alone), alone.lengths, claim_tokens(claims[1:]))
    torch.testing.assert_close(together[-len(second) :], second)


def test_a_piece_knows_whether_the_evidence_holds_it_and_its_neighbour() -> None:
    encoder = tokenizer()
    evidence = held([passage for text in EVIDENCE for passage in passages(units(text), encoder)])
    (claim,) = claim_pieces(["leave is not twenty"], encoder)
    assert matches(claim, evidence) == [
        SPECIAL_MATCH,
        NEIGHBOUR_MATCH,
        NEIGHBOUR_MATCH,
        NO_MATCH,
        PIECE_MATCH,
        SPECIAL_MATCH,
    ]


def test_long_evidence_is_cut_between_sentences_and_nothing_is_lost() -> None:
    encoder = tokenizer()
    sentences = [f"the key is paid for {' '.join(['twenty five days'] * 12)} of leave." for _ in range(20)]
    found = passages(sentences, encoder)
    assert len(found) > 1
    assert all(len(each.pieces) <= PASSAGE_PIECES + 2 for each in found)
    assert " ".join(each.text for each in found).split() == " ".join(sentences).split()
    endless = passages(["days " * 1000], encoder)
    assert sum(len(each.pieces) - 2 for each in endless) == 1000


def test_records_are_read_fact_by_fact_and_prose_around_them_too() -> None:
    read = units(
        'The record of the shop follows here.\n\n{"name": "Mizza", "open": {"Monday": true, "Sunday": null}}'
    )
    assert read[0] == "The record of the shop follows here."
    assert read[1:] == ["name: Mizza", "open > Monday: yes", "open > Sunday: unknown"]


def test_what_was_read_lately_is_not_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    reader = claim_reader()
    first, second = (reader.cut(text)[0] for text in EVIDENCE)
    before = reader.judge([(CLAIMS[0], [first])])
    read: list[int] = []
    encode = EvidenceReader.read

    def counted(self: EvidenceReader, evidence: Tokens) -> Memory:
        read.append(len(evidence.lengths[0]))
        return encode(self, evidence)

    monkeypatch.setattr(EvidenceReader, "read", counted)
    after = reader.judge([(CLAIMS[0], [first]), (CLAIMS[1], [second, first])])
    assert read == [1]  # the second passage only
    torch.testing.assert_close(torch.tensor(before[0].whole), torch.tensor(after[0].whole))


# ------------------------------------------------------------------------------- which passages concern it


class Watched(ClaimReader):
    """Keeps what each claim was read against."""

    def __init__(self) -> None:
        super().__init__(EvidenceReader(SHAPE), tokenizer())
        self.asked: list[list[str]] = []

    def judge(self, asked: Sequence[Asked]) -> list[ClaimReading]:
        self.asked += [[passage.text for passage in seen] for _, seen in asked]
        return super().judge(asked)


ABOUT = ["leave is paid", "a key must be reported", "twenty hour", "loss", "five five", "within one", "days"]
PADDED = [Evidence(id=text, text=f"{text} {'for is the a ' * 15}.") for text in ABOUT]


def test_a_sentence_is_read_against_the_passages_that_hold_its_terms() -> None:
    reader = Watched()
    EvidenceMemory(PADDED, reader).judge(["the days of the key", "paid leave"], "en")
    assert len(PADDED) > len(reader.asked[0]) == len(reader.asked[1]) == 3
    beginnings = [[text[:10] for text in seen] for seen in reader.asked]
    assert {"a key must", "days for i"} <= set(beginnings[0])
    assert "leave is p" in beginnings[1]


def test_a_sentence_in_other_words_is_read_against_everything() -> None:
    reader = Watched()
    EvidenceMemory(PADDED, reader).judge(["vacances annuelles"], "fr")
    assert len(reader.asked[0]) == len(PADDED)


def test_without_evidence_there_is_nothing_to_read() -> None:
    assert EvidenceMemory([], Watched()).judge(CLAIMS, "en") == [None] * len(CLAIMS)
