"""All sentences of the documents, tokenised once, with what is drawn from them: names, tails, rare words."""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from eval.training.drafts import Token, tokenize
from eval.training.lexicon import lines_of
from rag.text.sentences import split_sentences

_MIN_WORDS, _MAX_WORDS = 6, 42
_PASSAGE_WORDS = (40, 180)
_STRANGE = re.compile(r"https?:|www\.|\S@\S|[][|{}<>=\\#@_~^]|\.\.\.|…")
_QUOTES = ('"', "“", "”", "«", "»")
_RARE = range(2, 40)  # a word that so many sentences share tells what a sentence is about
TAIL = {
    "en": re.compile(
        r",? (?:because|such as|including|in order to|so that|after|before|during|with|for|by|as well as|"
        r"while|through|unless|except|without|until|as part of|instead of|based on|due to) |, which "
    ),
    "fr": re.compile(
        r",? (?:notamment|y compris|afin de|pour|après|avant|pendant|avec|par|grâce à|en cas de|sauf|sans|"
        r"tels que|telles que|dans le cadre de|en raison de|au moyen de|jusqu'à) |"
        r",? (?:parce qu|afin d|dans le cadre d|en raison d|au moyen d|en cas d)['’]"
    ),
}
_DETERMINERS = {
    "en": {"the": "n", "a": "n", "an": "n", "their": "n", "its": "n", "our": "n", "your": "n", "this": "n"},
    "fr": {
        **dict.fromkeys(("le", "un", "ce", "du", "au", "son", "votre", "notre"), "nm"),
        **dict.fromkeys(("la", "une", "cette", "sa"), "nf"),
        **dict.fromkeys(("les", "des", "ces", "aux", "vos", "ses", "nos", "leurs"), "np"),
    },
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Document:
    """A text that claims are made from. ``language`` is ``en`` or ``fr``; other languages are passed over."""

    id: str
    text: str
    language: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Sentence:
    """A sentence of a document.

    Attributes:
        document, position: which document of the pool, and the how-manieth sentence of it.
        is_claim: a whole, plain sentence; others (headings, list items, questions) are evidence only.
        content: its words that carry meaning, lower case.
        words: how many words it has.
    """

    text: str
    document: int
    position: int
    is_claim: bool
    content: frozenset[str]
    words: int


class SentencePool:
    """The sentences of all documents of one language.

    Attributes:
        documents: ids and sentences, of those documents that hold enough for a passage.
        names: capitalised names that are met inside sentences, by how they are used (see :func:`name_key`).
        weights: how often a passage is drawn from each document.
        words: words in ``n`` and similar places, for a wrong word of the same class.
    """

    def __init__(self, documents: Sequence[Document], language: str) -> None:
        self.language = language
        self.stop_words = _stop_words(language)
        self._lower: Counter[str] = Counter()
        self._upper: Counter[str] = Counter()
        self.ids: list[str] = []
        self.documents: list[list[Sentence]] = []
        for document in documents:
            if document.language == language:
                self._add(document)
        self.names: dict[str, list[str]] = {}
        self._tails: dict[str, list[tuple[int, str]]] = {}
        self._all_tails: list[tuple[int, str]] = []
        self.words: dict[str, list[str]] = {}
        self.by_word: dict[str, list[Sentence]] = {}
        for sentences in self.documents:
            for sentence in sentences:
                self._collect(sentence)
        for key, names in self.names.items():
            counts = Counter(names)
            self.names[key] = [
                name for name in counts if counts[name] > 1 and not self.is_common(name.split()[0])
            ]
        self.weights = [len(sentences) ** 0.5 for sentences in self.documents]

    def _add(self, document: Document) -> None:
        index = len(self.documents)
        strange = _stop_words("fr" if self.language == "en" else "en")
        sentences = []
        for position, (start, end) in enumerate(split_sentences(document.text)):
            text = document.text[start:end]
            tokens = tokenize(text, self.language)
            for place, token in enumerate(tokens):
                if place:
                    (self._upper if token.text[:1].isupper() else self._lower)[token.lower] += 1
            words = [token for token in tokens if token.text[0].isalnum()]
            if sum(t.lower in strange for t in words) > sum(t.lower in self.stop_words for t in words):
                continue  # a sentence in another language: pages are translated by and by
            content = frozenset(t.lower for t in words if t.lower not in self.stop_words and len(t.lower) > 2)
            sentences.append(
                Sentence(
                    text=text,
                    document=index,
                    position=position,
                    is_claim=_is_plain(text, words),
                    content=content,
                    words=len(words),
                )
            )
        if sum(sentence.words for sentence in sentences) >= _PASSAGE_WORDS[0]:
            self.documents.append(sentences)
            self.ids.append(document.id)

    def _collect(self, sentence: Sentence) -> None:
        if not sentence.is_claim:
            return
        tokens = tokenize(sentence.text, self.language)
        for word in sorted(sentence.content):
            self.by_word.setdefault(word, []).append(sentence)
        for name in self.names_in(tokens, sentence.text):
            self.names.setdefault(name_key(name.text, name.before), []).append(name.text)
        cut = list(TAIL[self.language].finditer(sentence.text))
        for match in cut[-1:]:
            tail = sentence.text[match.start() :].rstrip(".!» ")
            tail = match.group() + tail[len(match.group()) :].split(", ")[0]
            if 3 <= tail.count(" ") <= 16 and match.start() > 15 and tail.count("(") == tail.count(")"):
                entry = (sentence.document, tail)
                self._tails.setdefault(match.group().strip(" ,"), []).append(entry)
                self._all_tails.append(entry)
        for before, token, after in zip(tokens, tokens[1:], tokens[2:], strict=False):
            key = self.word_key(before, token, after)
            if key:
                self.words.setdefault(key, []).append(token.lower)

    def word_key(self, before: Token, token: Token, after: Token) -> str | None:
        """The class of a word, by its neighbours: only where these leave little doubt."""
        word = token.lower
        if token.text != word or len(word) < 4 or word in self.stop_words or not word.isalpha():
            return None
        closes = after.lower in self.stop_words or after.text in ".,;)"
        kind = _DETERMINERS[self.language].get(before.lower)
        if kind and closes:
            vowel = word[0] in "aeiouyhéèêàâîôœ"
            return f"{kind}{'s' if word[-1] in 'sx' else ''}{'v' if vowel else 'c'}"
        if (
            self.language == "en"
            and before.lower == "to"
            and closes
            and not word.endswith(("s", "ed", "ing"))
        ):
            return "v"
        if self.language == "fr" and before.lower in ("de", "pour", "à", "peut", "doit") and closes:
            return "v" if word.endswith(("er", "ir")) and word[0] not in "aeiouyhéèêàâîôœ" else None
        return None

    def is_common(self, word: str) -> bool:
        """Whether a word with a capital at the beginning of a sentence is written small elsewhere."""
        lower = word.lower().replace("’", "'")
        return lower in self.stop_words or self._lower[lower] > self._upper[lower]

    def names_in(self, tokens: tuple[Token, ...], text: str) -> list[Name]:
        """Runs of capitalised words inside a sentence, and at its beginning where they are known names."""
        found: list[Name] = []
        index = 0
        while index < len(tokens):
            last = index
            while last < len(tokens) and _is_capitalised(tokens[last], self):
                if last > index and text[tokens[last - 1].end : tokens[last].start] != " ":
                    break
                last += 1
            if last > index and self._is_name(tokens, index, last):
                before = tokens[index - 1].lower if index else ""
                start, end = tokens[index].start, tokens[last - 1].end
                end -= 2 if text[end - 2 : end] in ("'s", "’s") else 0
                is_part = text[start - 1 : start] in ("-", ")", "/") or text[end : end + 1] in ("-", "/", "(")
                if end - start > 2 and last - index <= 4 and not (is_part and start):
                    found.append(Name(start, end, text[start:end], before))
            index = max(last, index + 1)
        return found

    def _is_name(self, tokens: tuple[Token, ...], first: int, last: int) -> bool:
        """A word alone must be no common one, and one at the beginning of a sentence be known as a name."""
        lower = tokens[first].lower
        if first == 0 and last == 1:
            return self._upper[lower] > self._lower[lower]
        return last - first > 1 or not self.is_common(lower)

    def tails_after(self, connector: str | None) -> list[tuple[int, str]]:
        """Documents and ends of sentences ("because …") that begin with ``connector``, or all of them."""
        return self._all_tails if connector is None else self._tails.get(connector, [])

    def draw_passage(self, rng: random.Random, document: int) -> list[Sentence] | None:
        """Two to eight neighbouring sentences of a document."""
        sentences = self.documents[document]
        first = rng.randrange(len(sentences))
        most = rng.randint(2, 8)
        target = rng.randint(*_PASSAGE_WORDS)
        chosen: list[Sentence] = []
        words = 0
        for sentence in sentences[first : first + most]:
            if chosen and words + sentence.words > _PASSAGE_WORDS[1]:
                break
            chosen.append(sentence)
            words += sentence.words
            if words >= target:
                break
        is_enough = words >= _PASSAGE_WORDS[0] and words <= _PASSAGE_WORDS[1] * 1.3
        return chosen if is_enough and any(sentence.is_claim for sentence in chosen) else None

    def related(self, rng: random.Random, sentence: Sentence) -> Sentence | None:
        """A sentence of another document that shares a rare word, if there is one."""
        rare = [word for word in sorted(sentence.content) if len(self.by_word.get(word, ())) in _RARE]
        if not rare:
            return None
        other = rng.choice(self.by_word[rng.choice(rare)])
        return other if other.document != sentence.document else None


def _stop_words(language: str) -> frozenset[str]:
    return frozenset(word for line in lines_of("function_words", language) for word in line.split())


@dataclass(frozen=True, slots=True)
class Name:
    """A capitalised name of a sentence, where it stands, and the word before it."""

    start: int
    end: int
    text: str
    before: str


def name_key(name: str, before: str) -> str:
    """How a name is used: an acronym, after an article, after a preposition of place, one word or more."""
    if name.isupper():
        return "acronym"
    if before in ("the", "le", "la", "l'", "les"):
        return f"article-{before}"
    place = "place" if before in ("in", "at", "from", "à", "en") else "name"
    return f"{place}-{min(name.count(' '), 1)}{'s' if name.endswith('s') else ''}"


def _is_capitalised(token: Token, pool: SentencePool) -> bool:
    if not token.text[0].isupper() or len(token.text) < 2 or token.lower in pool.stop_words:
        return False
    return token.start > 0 or not pool.is_common(token.lower)


def _is_plain(text: str, words: list[Token]) -> bool:
    if not _MIN_WORDS <= len(words) <= _MAX_WORDS or not text[0].isupper() or text[-1] not in ".!":
        return False
    if _STRANGE.search(text) or any(text.count(mark) % 2 for mark in _QUOTES[:1]):
        return False
    letters = sum(character.isalpha() for character in text)
    balanced = text.count("(") == text.count(")") and text.count("«") == text.count("»")
    return letters > 0.7 * len(text) and balanced and text.count("“") == text.count("”") and text[-1] != ";"
