"""Training: what the labelled sets say of sentences, and that a reader learns from it."""

from __future__ import annotations

import json
from pathlib import Path

import torch

from eval.training.examples import Claim, ClaimSpan, Group
from eval.training.labelled import labelled_groups, labelled_responses
from eval.training.reading import UNKNOWN, batches, collate, rows
from eval.training.trainer import Recipe, train
from rag.grounding.local.reader import EvidenceReader
from tests.rag.test_claim_reader import SHAPE, tokenizer

GROUP = Group(
    evidence=("the leave is paid for twenty five days", "a key must be reported within one hour"),
    claims=(
        Claim(text="the leave is paid", label="supported", spans=(), kind="part"),
        Claim(
            text="a key must not be reported",
            label="contradicted",
            spans=(ClaimSpan(11, 14, "contradicted"),),
            kind="negation",
        ),
        Claim(text="the hour is paid", label="unsupported", spans=None, kind="whole"),
    ),
    language="en",
    source="one",
)


def test_every_piece_of_a_marked_claim_has_its_label() -> None:
    (row,) = rows([GROUP], tokenizer())
    assert row.token_labels == (
        (UNKNOWN, 0, 0, 0, 0, UNKNOWN),
        (UNKNOWN, 0, 0, 0, 2, 0, 0, UNKNOWN),
        (UNKNOWN,) * 6,
    )
    assert row.claim_labels == (0, 2, 1)
    batch = collate([row])
    assert batch.token_labels.shape == batch.claims.pieces.shape == batch.claim_labels.shape
    assert [label for label in batch.claim_labels.tolist() if label != UNKNOWN] == [0, 2, 1]


def test_a_reader_learns_what_it_is_shown() -> None:
    torch.manual_seed(1)
    reader = EvidenceReader(SHAPE)
    row = next(rows([GROUP], tokenizer()))
    said: list[str] = []
    steps = 60
    progress = train(
        reader,
        ([row] for _ in range(steps)),
        done=lambda progress: progress.steps / steps,
        recipe=Recipe(learning_rate=3e-3, warm_up=5, head_rate=1.0),
        device="cpu",
        say=said.append,
    )
    assert progress.steps == steps
    batch = collate([row])
    with torch.inference_mode():
        pieces, whole = reader.judge(reader.read(batch.evidence), batch.evidence.lengths, batch.claims)
    known = batch.token_labels != UNKNOWN
    assert torch.equal(pieces.argmax(1)[known], batch.token_labels[known])
    known = batch.claim_labels != UNKNOWN
    assert torch.equal(whole.argmax(1)[known], batch.claim_labels[known])


def test_batches_hold_whole_rows_in_their_order() -> None:
    found = list(rows([GROUP] * 7, tokenizer()))
    size = sum(found[0].size)
    made = list(batches(found, pieces=size * 3))
    assert [len(batch) for batch in made] == [3, 3, 1]


def write(folder: Path, name: str, lines: list[dict[str, object]]) -> None:
    text = "".join(json.dumps(line) + "\n" for line in lines)
    folder.joinpath(f"{name}.jsonl").write_text(text, encoding="utf-8")


def labelled_folder(folder: Path) -> Path:
    marked = "The leave has 25 days. It is paid by the queen. Hello!"
    queen = marked.index("by the queen")
    common = {"context": "The leave has 25 paid days.", "source_id": "s"}
    write(
        folder,
        "ragtruth-dev",
        [
            {
                "id": "r1",
                "task": "qa",
                "response": marked,
                "spans": [{"start": queen, "end": queen + 12, "label": "Evident Conflict"}],
                **common,
            }
        ],
    )
    right = "The team agreed to open the office in May."
    write(
        folder,
        "summedits-dev",
        [
            {"id": "a", "domain": "d", "response": right, "supported": True, **common},
            {
                "id": "b",
                "domain": "d",
                "response": "The team agreed to start the office in May.",
                "supported": True,
                **common,
            },
            {
                "id": "c",
                "domain": "d",
                "response": "The team refused to start the office in May.",
                "supported": False,
                **common,
            },
        ],
    )
    write(
        folder,
        "rte3-fr-dev",
        [
            {"id": "1", "context": "Il pleut.", "response": "Il fait sec.", "label": "contradiction"},
            {"id": "2", "context": "Il pleut.", "response": "Il pleut. Il neige.", "label": "neutral"},
        ],
    )
    return folder


def test_labelled_sets_say_which_words_of_which_sentence_are_not_carried(tmp_path: Path) -> None:
    responses = list(labelled_responses(labelled_folder(tmp_path)))
    groups = list(labelled_groups(responses))
    ragtruth, summedits, pair = groups
    assert [(claim.text, claim.label) for claim in ragtruth.claims] == [
        ("The leave has 25 days.", "supported"),
        ("It is paid by the queen.", "contradicted"),
    ]
    (span,) = ragtruth.claims[1].spans or ()
    assert ragtruth.claims[1].text[span.start : span.end] == "by the queen"

    changed = summedits.claims[2]
    (span,) = changed.spans or ()
    assert changed.label == "unsupported"
    # "start" is how a supported version words it, so the refusal alone is wrong.
    assert changed.text[span.start : span.end] == "refused"

    # The second response has two sentences, and nobody knows which of them is not entailed.
    assert [(claim.text, claim.label, claim.spans) for claim in pair.claims] == [
        ("Il fait sec.", "contradicted", None)
    ]
