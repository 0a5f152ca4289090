"""Edits after which a claim is no longer carried by its evidence, with the wrong characters marked."""

from __future__ import annotations

import re
from functools import cache

from eval.training import negation, wrong_figures, wrong_parties
from eval.training.agreement import replace_words
from eval.training.drafts import Draft, Token
from eval.training.examples import ClaimLabel
from eval.training.lexicon import Lexicon, lines_of, read_lexicon
from eval.training.scene import Edit, Scene

_OWNED = frozenset("the their its your our".split())
_BEFORE_ADVERB = {
    "en": frozenset("must can will is are should".split()),
    "fr": frozenset("doit doivent peut peuvent est sont".split()),
}
_NOT_AFTER_ADVERB = frozenset("the a an not it you they we also there only".split())
_PARTICIPLE_FR = ("é", "és", "ée", "ées", "er", "ir", "re")


def antonym(draft: Draft, scene: Scene) -> Draft | None:
    """A word becomes its opposite."""
    lexicon = read_lexicon("antonyms", scene.language)
    return _opposite(draft, scene, lexicon, "contradicted")


def comparison(draft: Draft, scene: Scene) -> Draft | None:
    """More becomes less, at least becomes at most, before becomes after."""
    return _opposite(draft, scene, read_lexicon("comparisons", scene.language), "contradicted")


@cache
def _quantifiers(language: str) -> tuple[tuple[re.Pattern[str], tuple[str, ...], ClaimLabel], ...]:
    """What is looked for, what it may become, and what the claim is then."""
    rows = []
    for line in lines_of("quantifiers", language):
        old, new, label = line.split(" -> ")
        pattern = re.compile(rf"(?<![\w'’-]){re.escape(old)}(?![\w'’-]| of\b| not\b| n'| pas\b)")
        kind: ClaimLabel = "contradicted" if label.strip() == "contradicted" else "unsupported"
        rows.append((pattern, tuple(option.strip() for option in new.split("|")), kind))
    return tuple(rows)


def quantifier(draft: Draft, scene: Scene) -> Draft | None:
    """Some becomes all, must becomes may, often becomes always."""
    rows = list(_quantifiers(scene.language))
    scene.rng.shuffle(rows)
    lower = draft.text.lower()
    for pattern, options, label in rows:
        match = pattern.search(lower)
        if match and not lower[: match.start()].endswith((" ne ", " n'", " not ")):
            new = scene.rng.choice(options)
            done = replace_words(draft, scene.tokens(draft), match.span(), new, scene.language, label)
            if done:
                return done
    return None


def _opposite(draft: Draft, scene: Scene, lexicon: Lexicon, label: ClaimLabel) -> Draft | None:
    tokens = scene.tokens(draft)
    hits = lexicon.hits(tokens)
    scene.rng.shuffle(hits)
    lower = draft.text.lower()
    for hit in hits:
        options = [new for new in hit.alternatives if not re.search(rf"\b{re.escape(new)}\b", lower)]
        neighbours = draft.text[hit.start - 1 : hit.start] + draft.text[hit.end : hit.end + 1]
        is_name = draft.text[hit.start].isupper() and hit.start > 0
        if not options or is_name or "-" in neighbours or "/" in neighbours:
            continue
        new = scene.rng.choice(options)
        done = replace_words(draft, tokens, (hit.start, hit.end), new, scene.language, label)
        if done:
            return done
    return None


def wrong_word(draft: Draft, scene: Scene) -> Draft | None:
    """A word becomes another word of its class from elsewhere."""
    tokens = scene.tokens(draft)
    places = [*zip(tokens, tokens[1:], tokens[2:], strict=False)]
    scene.rng.shuffle(places)
    synonyms = read_lexicon("synonyms", scene.language)
    for before, token, after in places:
        key = scene.pool.word_key(before, token, after)
        if not key or not draft.is_free(token.start, token.end):
            continue
        new = scene.rng.choice(scene.pool.words.get(key, [token.lower]))
        if new in scene.content or new[:5] == token.lower[:5] or new in synonyms.alternatives(token.lower):
            continue
        done = replace_words(draft, tokens, (token.start, token.end), new, scene.language, "unsupported")
        if done:
            return done
    return None


def added_word(draft: Draft, scene: Scene) -> Draft | None:
    """An adverb or an adjective that the evidence does not have."""
    tokens = scene.tokens(draft)
    places = [*zip(tokens, tokens[1:], tokens[2:], strict=False)]
    scene.rng.shuffle(places)
    for before, token, after in places:
        kind = _takes(before, token, after, scene)
        added = scene.rng.choice(_words(kind, scene.language)) if kind else ""
        start = token.start
        if added and added not in scene.text and draft.is_free(start, start) and draft.text[start - 1] == " ":
            longer = draft.replace(start, start, added + " ")
            return longer.marked(start, start + len(added), "unsupported")
    return None


def _takes(before: Token, token: Token, after: Token, scene: Scene) -> str:
    """Which list of words may stand before ``token``; none where neither may."""
    if scene.language == "en" and before.lower in _OWNED and scene.pool.word_key(before, token, after):
        return "added_adjectives"
    if before.lower not in _BEFORE_ADVERB[scene.language] or not token.lower.isalpha():
        return ""
    is_verb = token.lower.endswith(_PARTICIPLE_FR) or scene.language == "en"
    return "added_adverbs" if is_verb and token.lower not in _NOT_AFTER_ADVERB else ""


@cache
def _words(name: str, language: str) -> list[str]:
    return [word for line in lines_of(name, language) for word in line.split(", ")]


CORRUPTIONS: tuple[tuple[str, Edit, float], ...] = (  # kind, edit, how often it is tried
    ("number", wrong_figures.number, 5.0),
    ("date", wrong_figures.date, 5.0),
    ("unit", wrong_figures.unit, 5.0),
    ("name", wrong_parties.name, 3.0),
    ("negation_inserted", negation.insert, 0.9),
    ("negation_removed", negation.remove, 2.5),
    ("antonym", antonym, 2.5),
    ("comparison", comparison, 4.0),
    ("quantifier", quantifier, 2.0),
    ("roles_swapped", wrong_parties.roles_swapped, 2.5),
    ("wrong_word", wrong_word, 1.8),
    ("added_word", added_word, 0.8),
)
"""All corruptions of one sentence."""
