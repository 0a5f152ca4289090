"""Groups of evidence and claims made from real sentences: paraphrases of them, and corrupted copies.

Corruptions are put on paraphrased copies too, and everything else that happens to a claim (an introduction,
a second sentence, other words) happens to carried and corrupted claims alike, so that only the evidence tells
them apart.
"""

from __future__ import annotations

import argparse
import random
import re
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from eval.training import compositions
from eval.training.corruptions import CORRUPTIONS
from eval.training.drafts import Draft
from eval.training.examples import Claim, ClaimSpan, Group
from eval.training.paraphrases import PARAPHRASES
from eval.training.records import record_group
from eval.training.scene import Edit, Scene
from eval.training.sentences_pool import Document, Sentence, SentencePool
from eval.training.sources import read_documents

_FRENCH_SHARE = 0.4
_RECORD_SHARE = 0.12
_CORRUPTED_SHARE = 0.58
_PARAPHRASES_STACKED = (0, 1, 1, 2, 2, 2, 3, 3, 4)
_LENGTHS = ("one", "one", "one", "one", "one", "two", "two", "three", "merged", "list")
_COMPOSED_SHARE = 0.33
_INTRODUCED_SHARE = 0.2
_ABSENCE_SHARE = 0.03
_PAIRED_SHARE = 0.35
_COMPOSED = (
    "added_clause",
    "tail_replaced",
    "tail_replaced",
    "mixed_sources",
    "foreign",
    "unread",
    "causality",
)
_ATTEMPTS = 40
_MORE_OFTEN = re.compile(r"\d|\b(?:not|never|cannot|ne|jamais)\b|n['’]t\b|\bn['’]")


def generate(documents: Sequence[Document], *, seed: int, groups: int) -> Iterator[Group]:
    """``groups`` groups of claims on passages of ``documents``; the same for the same arguments.

    Raises:
        ValueError: no document holds enough sentences for a passage.
    """
    pools = {language: SentencePool(documents, language) for language in ("en", "fr")}
    shares = {"en": 1 - _FRENCH_SHARE, "fr": _FRENCH_SHARE}
    usable = [language for language, pool in pools.items() if pool.by_word]
    if not usable:
        raise ValueError(f"{len(documents)} documents hold no passage of 40 words; give longer texts.")
    rng = random.Random(seed)  # noqa: S311 - a repeatable draw, nothing secret
    made = 0
    while made < groups:
        language = rng.choices(usable, [shares[each] for each in usable])[0]
        is_record = rng.random() < _RECORD_SHARE
        group = record_group(rng, language) if is_record else _text_group(rng, pools[language])
        if group:
            made += 1
            yield group


def _text_group(rng: random.Random, pool: SentencePool) -> Group | None:
    scene = _draw_scene(rng, pool)
    if not scene:
        return None
    claims: dict[str, Claim] = {}
    wanted = rng.randint(5, 8)
    for _ in range(_ATTEMPTS):
        for claim in _claims(scene):
            claims.setdefault(claim.text, claim)
        if len(claims) >= wanted:
            break
    joint = rng.choice((" ", " ", " ", "\n"))
    evidence = tuple(joint.join(sentence.text for sentence in passage) for passage in scene.passages)
    document = scene.passages[0][0].document
    kept = tuple(claims.values())[:wanted]
    return (
        Group(evidence=evidence, claims=kept, language=pool.language, source=pool.ids[document])
        if kept
        else None
    )


def _draw_scene(rng: random.Random, pool: SentencePool) -> Scene | None:
    """One passage, or two or three of one or several documents."""
    first = rng.choices(range(len(pool.documents)), pool.weights)[0]
    passages = [pool.draw_passage(rng, first)]
    for _ in range(rng.choice((0, 0, 1, 2))):
        other = first if rng.random() < 0.5 else rng.randrange(len(pool.documents))
        passages.append(pool.draw_passage(rng, other))
    seen: set[tuple[int, int]] = set()
    chosen: list[list[Sentence]] = []
    for passage in passages:
        places = {(sentence.document, sentence.position) for sentence in passage or ()}
        if passage and not places & seen:
            chosen.append(passage)
            seen |= places
    return Scene(pool=pool, rng=rng, passages=chosen) if chosen else None


def _claims(scene: Scene) -> list[Claim]:
    """A claim, or a carried one with a corrupted copy of it."""
    rng = scene.rng
    if rng.random() < _ABSENCE_SHARE:
        found = compositions.absence(scene)
        return [_claim(found[0], "absence", scene)] if found else []
    is_corrupted = rng.random() < _CORRUPTED_SHARE
    if is_corrupted and rng.random() < _COMPOSED_SHARE:
        composed = _composed(scene)
        return [_claim(*_lengthened(composed, scene), scene)] if composed else []
    draft, kinds = _paraphrased(_base(scene), scene)
    corrupted = corrupt(draft, scene) if is_corrupted else None
    if is_corrupted and not corrupted:
        return []
    kind = "+".join(kinds) or "verbatim"
    made = [corrupted] if corrupted else [(draft, kind)]
    if corrupted and rng.random() < _PAIRED_SHARE:
        made.append((draft, kind))
    return [_claim(*_lengthened(each, scene), scene) for each in made]


def _base(scene: Scene) -> Draft:
    """A sentence of the evidence; those with figures more often, as there is more to get wrong in them.

    Denials too, as otherwise a "not" would be met in corrupted claims more often than in carried ones.
    """
    usable = [place for place in enumerate(scene.sentences) if place[1].is_claim]
    weights = [3 if _MORE_OFTEN.search(sentence.text) else 1 for _, sentence in usable]
    place, sentence = scene.rng.choices(usable, weights)[0]
    before = scene.sentences[place - 1]
    follows = place and (before.document, before.position + 1) == (sentence.document, sentence.position)
    resolved = compositions.with_subject(sentence, before, scene) if follows else None
    return resolved or Draft(sentence.text)


def _paraphrased(draft: Draft, scene: Scene) -> tuple[Draft, list[str]]:
    kinds: list[str] = []
    for _ in range(scene.rng.choice(_PARAPHRASES_STACKED)):
        rows = [row for row in PARAPHRASES if row[0] == "synonym" or row[0] not in kinds]
        done = first_that_fits(rows, draft, scene)
        if done:
            draft = done[0]
            kinds.append(done[1])
    return draft, kinds


def corrupt(draft: Draft, scene: Scene) -> tuple[Draft, str] | None:
    """``draft`` with one thing in it wrong, and which."""
    done = first_that_fits(CORRUPTIONS, draft, scene)
    return done if done and all(span.end > span.start for span in done[0].spans) else None


def first_that_fits(
    rows: Sequence[tuple[str, Edit, float]], draft: Draft, scene: Scene
) -> tuple[Draft, str] | None:
    """The first edit that finds something to do, in an order drawn by weight."""
    order = sorted(rows, key=lambda row: scene.rng.random() ** (1 / row[2]), reverse=True)
    for kind, edit, _ in order:
        done = edit(draft, scene)
        if done and done.text != draft.text:
            return done, kind
    return None


def _composed(scene: Scene) -> tuple[Draft, str] | None:
    """A claim that is wrong as a whole or in how its parts are joined."""
    kind = scene.rng.choice(_COMPOSED)
    if kind in ("foreign", "unread"):
        draw = compositions.foreign_sentence if kind == "foreign" else compositions.unread_sentence
        sentence = draw(scene)
        if not sentence:
            return None
        draft, _ = _paraphrased(Draft(sentence.text), scene)
        return draft.marked(0, len(draft.text), "unsupported"), kind
    if kind == "mixed_sources":
        mixed = compositions.mixed_sources(scene)
        return (mixed, kind) if mixed else None
    draft, _ = _paraphrased(_base(scene), scene)
    if kind == "causality":
        second, _ = _paraphrased(_base(scene), scene)
        done = None if _is_alike(draft, second, scene) else compositions.causality(draft, second, scene)
    else:
        done = getattr(compositions, kind)(draft, scene)
    return (done, kind) if done else None


def _lengthened(made: tuple[Draft, str], scene: Scene) -> tuple[Draft, str]:
    """With one or two carried sentences before or after it, or merged with one."""
    draft, kind = made
    length = scene.rng.choice(_LENGTHS)
    for _ in range({"one": 0, "two": 1, "three": 2, "merged": 1, "list": 2}[length]):
        other, _ = _paraphrased(_base(scene), scene)
        if _is_alike(draft, other, scene):
            continue
        pair = [draft, other]
        scene.rng.shuffle(pair)
        joined = compositions.merged(pair[0], pair[1], scene) if length == "merged" else None
        draft = joined or pair[0].followed_by(pair[1], "\n- " if length == "list" else " ")
        kind += "+merged" if joined else "+sentence"
    if "\n- " in draft.text:
        draft = Draft("- ").followed_by(draft, "")
    return draft, kind


def _is_alike(one: Draft, other: Draft, scene: Scene) -> bool:
    """Whether two drafts say the same in other words."""
    words = [{token.lower for token in scene.tokens(draft)} for draft in (one, other)]
    return len(words[0] & words[1]) > 0.6 * min(map(len, words))


def _claim(draft: Draft, kind: str, scene: Scene) -> Claim:
    if scene.rng.random() < _INTRODUCED_SHARE:
        draft = compositions.introduced(draft, scene)
        kind += "+introduced"
    draft = compositions.finished(draft)
    return Claim(text=draft.text, label=draft.label, spans=draft.spans, kind=kind)


def marked_up(text: str, spans: Sequence[ClaimSpan]) -> str:
    """``text`` with brackets around its wrong parts: ``[-unsupported-]`` and ``[!contradicted!]``."""
    for span in sorted(spans, key=lambda span: -span.start):
        mark = "!" if span.label == "contradicted" else "-"
        text = f"{text[: span.start]}[{mark}{text[span.start : span.end]}{mark}]{text[span.end :]}"
    return text


def main(arguments: Sequence[str] | None = None) -> None:
    """Print groups, to be read, and how often each kind of claim occurs."""
    parser = argparse.ArgumentParser(description="Print groups of the curriculum, wrong parts in brackets.")
    parser.add_argument("data", type=Path, help="the folder that holds corpora/ and retrieval/")
    parser.add_argument("--show", type=int, default=20, help="how many groups (20)")
    parser.add_argument("--seed", type=int, default=0, help="which draw (0)")
    parser.add_argument("--language", choices=("en", "fr"), help="only this language")
    parser.add_argument(
        "--count", type=int, default=0, help="count kinds and labels of so many groups instead"
    )
    asked = parser.parse_args(arguments)
    documents = [d for d in read_documents(asked.data) if asked.language in (None, d.language)]
    groups = generate(documents, seed=asked.seed, groups=asked.count or asked.show)
    lines = _counts(groups) if asked.count else (line for group in groups for line in _shown(group))
    sys.stdout.writelines(line + "\n" for line in lines)


def _shown(group: Group) -> Iterator[str]:
    yield f"=== {group.language} {group.source}"
    for passage in group.evidence:
        yield f"    {passage}"
    for claim in group.claims:
        yield f"  {claim.label[:5]:5} {claim.kind:24} {marked_up(claim.text, claim.spans or ())}"


def _counts(groups: Iterator[Group]) -> Iterator[str]:
    counted: Counter[str] = Counter()
    for group in groups:
        counted[f"language {group.language}"] += 1
        for claim in group.claims:
            counted[f"label {claim.label}"] += 1
            for kind in claim.kind.split("+"):
                counted[f"kind {kind}"] += 1
    for name, count in sorted(counted.items()):
        yield f"{name:32} {count:7}"


if __name__ == "__main__":
    main()
