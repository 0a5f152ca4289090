"""Claims made of several sentences, of parts of them, or of sentences that are not in the evidence."""

from __future__ import annotations

import re

from eval.training.drafts import Draft, capitalised
from eval.training.lexicon import lines_of
from eval.training.scene import Scene
from eval.training.sentences_pool import TAIL, Sentence

_PREDICATE = {
    "en": re.compile(
        r"^((?:(?:The|A|An|Our|Your|All|These|This|Each)\b|[A-Z])[^,;:()]{3,60}?) "
        r"(is|are|was|were|can|must|should|will|has|have|may) ([^;:]{12,160})[.!]$"
    ),
    "fr": re.compile(
        r"^((?:(?:Le|La|Les|L['’]|Un|Une|Ces|Cette|Chaque|Votre|Vos)\b|[A-Z])[^,;:()]{3,60}?) "
        r"(est|sont|était|a été|ont été|doit|doivent|peut|peuvent|permet|sera|seront) ([^;:]{12,160})[.!]$"
    ),
}
_PRONOUN = {
    "en": re.compile(r"(He|She|It|They) [a-z]+"),
    "fr": re.compile(r"(Il|Elle) (?!s['’]|se |n['’]y|y )[a-z]+"),
}
_EMPTY_SUBJECT = {
    "en": re.compile(
        r"It (?:is|was|will be|can be|may be) \w+ (?:to|that|for|when|if|how)\b|It (?:seems|appears|takes)\b"
    ),
    "fr": re.compile(
        r"Il (?:faut|convient|importe|suffit|existe|reste|semble|arrive|est \w+ (?:de|d['’]|que|qu['’]|à))"
    ),
}
_SUBJECT = {
    "en": re.compile(
        r"((?:(?:The|Our|Your) [\w' -]{3,30}?|(?:[A-Z][\w'.-]+ ?){1,4}?)) "
        r"(is|was|are|were|has|have|can|will|must|should|may|had)\b"
    ),
    "fr": re.compile(r"((?:Le|La) [\w'’ -]{3,30}?) (est|doit|peut|permet|a|sera|était)\b"),
}
_PLURAL = frozenset([*"are were have sont doivent peuvent seront".split(), "ont été"])
_EITHER = frozenset("can must should will may".split())
_PRONOUNS = frozenset(
    "it they he she this these that there we you i il elle ils elles cela ceci ce nous vous on".split()
)


def merged(first: Draft, second: Draft, scene: Scene) -> Draft | None:
    """Like "A, and b.": where both are true, so is the sentence."""
    if first.text[-1:] != "." or len(first.text) + len(second.text) > 330 or "?" in second.text:
        return None
    link = _link(scene, "merging")
    head = first.replace(len(first.text) - 1, len(first.text), "")
    return head.followed_by(_lowered(second, scene), f"{link} ")


def causality(first: Draft, second: Draft, scene: Scene) -> Draft | None:
    """Two statements that only stand side by side, given as cause and effect."""
    if first.text[-1:] != "." or len(first.text) + len(second.text) > 330:
        return None
    link = _link(scene, "causality")
    head = first.replace(len(first.text) - 1, len(first.text), "")
    joined = head.followed_by(_lowered(second, scene), f"{link} ")
    start = len(head.text) + len(link) - len(link.lstrip(",; "))
    return joined.marked(start, len(head.text) + len(link), "unsupported")


def _link(scene: Scene, name: str) -> str:
    link = scene.rng.choice(lines_of(name, scene.language))
    return " " + link if link[0].isalpha() or (link[0] == ";" and scene.language == "fr") else link


def _lowered(draft: Draft, scene: Scene) -> Draft:
    return Draft(scene.without_capital(draft.text), draft.spans)


def mixed_sources(scene: Scene) -> Draft | None:
    """The subject of one sentence of the evidence with what another sentence says of another subject."""
    found: list[re.Match[str]] = []
    for sentence in scene.sentences:
        match = _PREDICATE[scene.language].match(sentence.text) if sentence.is_claim else None
        if match and match.group(1).split()[0].lower() not in _PRONOUNS:
            found.append(match)
    pairs = [(a, b) for a in found for b in found if _agree(a.group(2), b.group(2))]
    scene.rng.shuffle(pairs)
    for first, second in pairs:
        if first.group(1).lower() != second.group(1).lower() and not _shares_word(first[1], second[1], scene):
            predicate = f"{second.group(2)} {second.group(3)}"
            text = f"{first.group(1)} {predicate}."
            return Draft(text).marked(len(text) - 1 - len(predicate), len(text) - 1, "unsupported")
    return None


def _agree(one: str, other: str) -> bool:
    """Whether two verbs go with the same subjects."""
    return (one in _PLURAL) == (other in _PLURAL) or one in _EITHER


def _shares_word(one: str, other: str, scene: Scene) -> bool:
    words = [
        {word.lower()[:5] for word in re.findall(r"\w{3,}", text)} - scene.pool.stop_words
        for text in (one, other)
    ]
    return bool(words[0] & words[1])


def absence(scene: Scene) -> tuple[Draft, bool] | None:
    """That something is not mentioned, and whether that is so."""
    is_so = scene.rng.random() < 0.5
    if is_so:
        every = scene.pool.names.get(scene.rng.choice(list(scene.pool.names)), [])
        asked = scene.rng.choice(every) if every else ""
    else:
        asked = scene.rng.choice(scene.names).text if scene.names else ""
    words = [word for word in re.findall(r"\w{4,}", asked.lower()) if word in scene.text]
    if not asked or is_so == bool(words):
        return None
    text = capitalised(scene.rng.choice(lines_of("absence", scene.language)).replace("{}", asked))
    draft = Draft(text)
    return (draft if is_so else draft.marked(0, len(text) - 1, "contradicted")), is_so


def with_subject(sentence: Sentence, before: Sentence, scene: Scene) -> Draft | None:
    """A sentence that begins with a pronoun, with the subject of the sentence before in its place."""
    pronoun = _PRONOUN[scene.language].match(sentence.text)
    subject = _SUBJECT[scene.language].match(before.text)
    if not pronoun or not subject or _EMPTY_SUBJECT[scene.language].match(sentence.text):
        return None
    words, verb = subject.groups()
    is_person = words.count(" ") > 0 and all(word[0].isupper() for word in words.split())
    fits = {
        "He": is_person,
        "She": is_person,
        "It": verb not in _PLURAL and not is_person,
        "They": verb in _PLURAL and words.endswith("s"),
        "Il": words.startswith("Le "),
        "Elle": words.startswith("La "),
    }
    if not fits[pronoun.group(1)]:
        return None
    return Draft(sentence.text).replace(*pronoun.span(1), words)


def added_clause(draft: Draft, scene: Scene) -> Draft | None:
    """The end of a sentence from elsewhere, put at the end of a claim."""
    tail = _strange_tail(scene, None)
    if not tail or len(draft.text) > 220 or not draft.is_free(len(draft.text) - 1, len(draft.text)):
        return None
    end = len(draft.text) - 1
    added = tail if tail.startswith(",") else " " + tail.strip()
    done = draft.replace(end, end, added)
    return done.marked(end + len(added) - len(added.lstrip(", ")), end + len(added), "unsupported")


def tail_replaced(draft: Draft, scene: Scene) -> Draft | None:
    """The end of a claim becomes that of another sentence that goes on with the same word."""
    places = [match for match in TAIL[scene.language].finditer(draft.text) if match.start() > 15]
    if not places:
        return None
    place = scene.rng.choice(places)
    end = len(draft.text) - 1
    tail = _strange_tail(scene, place.group().strip(" ,"))
    if not tail or not draft.is_free(place.start(), end):
        return None
    connector = tail.strip(" ,")[: len(place.group().strip(" ,"))]
    added = tail if tail.startswith(",") else " " + tail.strip()
    done = draft.replace(place.start(), end, added)
    start = place.start() + added.index(connector) + len(connector)
    start += len(done.text[start:]) - len(done.text[start:].lstrip())
    return done.marked(start, place.start() + len(added), "unsupported")


def _strange_tail(scene: Scene, connector: str | None) -> str | None:
    """The end of a sentence, with a connecting word, of which the evidence does not hold half the words."""
    tails = scene.pool.tails_after(connector)
    for _ in range(4):
        if not tails:
            return None
        _, tail = scene.rng.choice(tails)
        words = [word for word in re.findall(r"\w{3,}", tail.lower()) if word not in scene.pool.stop_words]
        if words and sum(word in scene.text for word in words) < 0.5 * len(words):
            return tail
    return None


def foreign_sentence(scene: Scene) -> Sentence | None:
    """A sentence of another document that speaks of something alike."""
    for _ in range(6):
        asked = scene.rng.choice(scene.sentences)
        other = scene.pool.related(scene.rng, asked)
        if other and other.document not in scene.documents and not scene.is_known(other, 0.5):
            return other
    return None


def unread_sentence(scene: Scene) -> Sentence | None:
    """A sentence of the same document that is not in the evidence."""
    shown = {(sentence.document, sentence.position) for sentence in scene.sentences}
    for _ in range(6):
        beside = scene.rng.choice(scene.sentences)
        other = scene.rng.choice(scene.pool.documents[beside.document])
        if (
            other.is_claim
            and (other.document, other.position) not in shown
            and not scene.is_known(other, 0.5)
        ):
            return other
    return None


def introduced(draft: Draft, scene: Scene) -> Draft:
    """Opened with "According to the document, …"."""
    opening = scene.rng.choice(lines_of("introductions", scene.language))
    first = scene.tokens(draft)[0].lower
    if opening.endswith((".", ":", "!")):
        return Draft(opening).followed_by(draft)
    if first in ("-", opening.lower().split()[0].strip(",")) or (
        opening.endswith(" that") and first not in scene.pool.stop_words
    ):
        return draft
    return Draft(opening).followed_by(_lowered(draft, scene))


def finished(draft: Draft) -> Draft:
    """With a capital at the beginning and one blank between words."""
    return Draft(capitalised(draft.text), draft.spans)
