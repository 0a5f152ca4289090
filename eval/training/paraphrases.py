"""Edits that leave a claim carried by its evidence: other words, another order, less of it."""

from __future__ import annotations

import re

from eval.training import figures_written
from eval.training.agreement import replace_words
from eval.training.drafts import Draft, capitalised
from eval.training.lexicon import Lexicon, lines_of, read_lexicon
from eval.training.scene import Edit, Scene

_PARENTHESIS = re.compile(r" ?\([^()]{2,120}\)")
_APPOSITIVE = {
    "en": re.compile(
        r", (?:which|who|including|such as|a|an|like|especially|for example,?) [^,;()]{5,70}(?=,|[.!]$)"
    ),
    "fr": re.compile(
        r", (?:qui|dont|notamment|y compris|telle?s? que|comme|par exemple) [^,;()]{5,70}(?=,|[.!]$)"
    ),
}
_TRAILING = {
    "en": re.compile(r",? (?:including|such as|for example|e\.g\.,?|for instance) [^;()]{3,}(?=[.!]$)"),
    "fr": re.compile(r",? (?:notamment|y compris|par exemple|telle?s? que) [^;()]{3,}(?=[.!]$)"),
}
_LEADING = {
    "en": re.compile(
        r"^(?:However|Additionally|In addition|Also|For example|For instance|Therefore|Thus|Moreover|"
        r"Furthermore|Finally|Generally|Typically|As a result|In fact|Then|Next|First|Second|Similarly|"
        r"Currently|Instead|(?:In|On|During|Since|At|By) [^,;]{4,40}), "
    ),
    "fr": re.compile(
        r"^(?:Cependant|Toutefois|De plus|En outre|Par exemple|Ainsi|Enfin|Par ailleurs|En effet|Ensuite|Par "
        r"conséquent|De même|Néanmoins|En général|Actuellement|"
        r"(?:En|Dans|Lors|Pendant|Depuis|Au) [^,;]{4,40}), "
    ),
}
_RESTRICTING = {
    "en": re.compile(
        r"\b(?:no|not|never|only|if|unless|except|without|exception|cases?|event|absence)\b|n't", re.I
    ),
    "fr": re.compile(r"\b(?:ne|pas|jamais|sauf|sans|seul\w*|uniquement|cas|absence|si|n')", re.I),
}
_SUBORDINATE = {
    "en": re.compile(
        r"^(If|When|Because|Although|Once|While|Unless|Before|After|Since) ([^,;:()]{8,90}), ([^,;:]+)\.$"
    ),
    "fr": re.compile(
        r"^(Si|S['’]il|Lorsqu[e'’]|Quand|Dès qu[e'’]|Pour|Afin d[e'’]) ?([^,;:()]{8,90}), ([^,;:]+)\.$"
    ),
}
_FOLLOWING = {
    "en": re.compile(r"^([A-Z][^,;:()]{12,90}) (if|when|because|although|once|unless) ([^,;:]{8,90})\.$"),
    "fr": re.compile(r"^([A-ZÉÀ][^,;:()]{12,90}) (si|lorsque|quand) ([^,;:]{8,90})\.$"),
}
_OPENS_CLAUSE = re.compile(r"(?:If|When|Because|Although|Once|While|Si|S['’]il|Lorsqu|Quand|Dès|Pour|Afin)\b")
_CLAUSES = {
    "en": re.compile(
        r"(?:;|, (?:but|and|so|while|whereas)) (?=(?:the|this|these|you|we|it|they|he|she|all|a|our|your)\b)"
    ),
    "fr": re.compile(
        r"(?:;|, (?:mais|et|donc|tandis que)) (?=(?:le|la|les|l['’]|ce|cette|ces|il|elle|vous|nous|on|un)\b)"
    ),
}
_ENUMERATION = re.compile(
    r"((?:[\w'’-]+ ){0,2}[\w'’-]+), ((?:[\w'’-]+ ){0,3}[\w'’-]+),? (and|et) ((?:[\w'’-]+ ?){1,3})(?=[.,;])"
)
_CONTRACTIONS = (
    ("do not", "don't"),
    ("does not", "doesn't"),
    ("did not", "didn't"),
    ("is not", "isn't"),
    ("are not", "aren't"),
    ("was not", "wasn't"),
    ("were not", "weren't"),
    ("cannot", "can't"),
    ("will not", "won't"),
    ("should not", "shouldn't"),
    ("have not", "haven't"),
    ("has not", "hasn't"),
    ("you are", "you're"),
    ("we are", "we're"),
    ("they are", "they're"),
    ("it is", "it's"),
    ("you will", "you'll"),
    ("we will", "we'll"),
)
_CONTRACTED = re.compile(
    r"\b("
    + "|".join(form for row in _CONTRACTIONS for form in row)
    + r")\b(?! (?:had|got|ours|yours|been)\b|\.|,)",
    re.I,
)
_PASSIVE = re.compile(
    r"^((?:The|An?|This|[A-Z]\w+)(?: [\w'-]+){0,4}) (was|were) (\w+ed|written|built|chosen|given|taken|made|"
    r"won) by ((?:the |an? )?[\w'-]+(?: [A-Z][\w'-]+){0,3})\.$"
)
_PAST = {"written": "wrote", "chosen": "chose", "given": "gave", "taken": "took"}


def synonym(draft: Draft, scene: Scene) -> Draft | None:
    """An expression replaced by one that means the same."""
    return _from_lexicon(draft, scene, read_lexicon("synonyms", scene.language))


def _from_lexicon(draft: Draft, scene: Scene, lexicon: Lexicon) -> Draft | None:
    tokens = scene.tokens(draft)
    hits = lexicon.hits(tokens)
    scene.rng.shuffle(hits)
    for hit in hits:
        if hit.alternatives and _is_word(draft.text, hit.start, hit.end):
            new = scene.rng.choice(hit.alternatives)
            done = replace_words(draft, tokens, (hit.start, hit.end), new, scene.language)
            if done:
                return done
    return None


def _is_word(text: str, start: int, end: int) -> bool:
    """Not a part of a name or of a hyphenated word."""
    is_name = text[start].isupper() and start > 0
    return not is_name and text[start - 1 : start] != "-" and text[end : end + 1] not in ("-", "/")


def contraction(draft: Draft, scene: Scene) -> Draft | None:
    """Like "do not" for "don't", or the other way round."""
    match = _CONTRACTED.search(draft.text.replace("’", "'")) if scene.language == "en" else None
    if not match:
        return None
    old = match.group().lower()
    new = next(b if a == old else a for a, b in _CONTRACTIONS if old in (a, b))
    return _put(draft, match.start(), match.end(), new)


def without_parenthesis(draft: Draft, scene: Scene) -> Draft | None:
    """What stands in brackets is left out."""
    return _dropped(draft, scene, _PARENTHESIS.search(draft.text))


def without_apposition(draft: Draft, scene: Scene) -> Draft | None:
    """A clause between commas that only adds something is left out."""
    match = _APPOSITIVE[scene.language].search(draft.text)
    if not match:
        return None
    cut = match.end() + (1 if draft.text[match.end()] == "," else 0)
    return _dropped(draft, scene, match, end=cut)


def without_examples(draft: Draft, scene: Scene) -> Draft | None:
    """Examples at the end are left out."""
    return _dropped(draft, scene, _TRAILING[scene.language].search(draft.text))


def without_opening(draft: Draft, scene: Scene) -> Draft | None:
    """Openings like "However, …" and those of time and place are left out."""
    match = _LEADING[scene.language].search(draft.text)
    done = _dropped(draft, scene, match)
    return done.replace(0, 1, done.text[0].upper()) if done and done.is_free(0, 1) else None


def _dropped(draft: Draft, scene: Scene, match: re.Match[str] | None, end: int | None = None) -> Draft | None:
    if not match or _RESTRICTING[scene.language].search(match.group()):
        return None
    done = _put(draft, match.start(), end or match.end(), "")
    return done if done and done.text.count(" ") >= 4 else None


def clause_kept(draft: Draft, scene: Scene) -> Draft | None:
    """One of two clauses alone."""
    cuts = list(_CLAUSES[scene.language].finditer(draft.text))
    if not cuts or draft.spans:
        return None
    cut = scene.rng.choice(cuts)
    first, second = draft.text[: cut.start()].rstrip(), draft.text[cut.end() :]
    is_whole = first.count(" ") >= 4 and not _OPENS_CLAUSE.match(first)
    kept = [first + "."] if is_whole else []
    kept += [capitalised(second)] if second.count(" ") >= 4 and cut.group()[-4:] != "so" else []
    return Draft(scene.rng.choice(kept)) if kept else None


def clauses_swapped(draft: Draft, scene: Scene) -> Draft | None:
    """Like "B if A." for "If A, B.", or the other way round."""
    if draft.spans:
        return None
    match = _SUBORDINATE[scene.language].match(draft.text)
    if match:
        word, condition, main = match.groups()
        if re.match(r"(?:and|or|then|but|et|alors|please|it|they|he|she|this|ils?|elles?|cela) ", main):
            return None
        glue = "" if word.endswith(("'", "’")) else " "
        return Draft(f"{capitalised(main)} {word.lower()}{glue}{condition}.")
    match = _FOLLOWING[scene.language].match(draft.text)
    if not match or _RESTRICTING[scene.language].search(match.group(1)) or " and " in match.group():
        return None
    main, word, condition = match.groups()
    if re.search(
        r"\b(?:that|whether|ask|see|determine|know|only|even|que|know|day|time|check|date|even|as|is|was|are|were|be|est|sont)$",
        main,
    ):
        return None
    return Draft(f"{capitalised(word)} {condition}, {scene.without_capital(main)}.")


def enumeration_cut(draft: Draft, scene: Scene) -> Draft | None:
    """One thing of a list of three left out."""
    match = _ENUMERATION.search(draft.text)
    if not match or not draft.is_free(*match.span()) or _RESTRICTING[scene.language].search(draft.text):
        return None
    first, second, conjunction, third = match.groups()
    if {len(first.split()), len(second.split()), len(third.split())} != {1}:
        return None
    kept = scene.rng.choice(((second, third), (first, third), (first, second)))
    if first not in kept and match.start(1) > 0 and draft.text[: match.start(1)].endswith((", ",)):
        return None
    return draft.replace(*match.span(), f"{kept[0]} {conjunction} {kept[1].strip()}")


def active_voice(draft: Draft, scene: Scene) -> Draft | None:
    """Like "B built A." for "A was built by B."."""
    match = _PASSIVE.match(draft.text) if scene.language == "en" and not draft.spans else None
    if not match:
        return None
    patient, _, verb, agent = match.groups()
    return Draft(f"{capitalised(agent)} {_PAST.get(verb, verb)} {scene.without_capital(patient)}.")


def adverb_dropped(draft: Draft, scene: Scene) -> Draft | None:
    """An adverb that says little is left out."""
    droppable = {word for line in lines_of("droppable", scene.language) for word in line.split()}
    for token in scene.tokens(draft):
        if token.lower in droppable and token.start and draft.text[token.end : token.end + 1] == " ":
            if draft.text[token.start - 2] in ",;:" or draft.text[: token.start].endswith(("not ", "pas ")):
                continue
            return _put(draft, token.start, token.end + 1, "")
    return None


def headline(draft: Draft, scene: Scene) -> Draft | None:
    """Articles left out, as in notes and headlines."""
    if scene.language != "en" or draft.spans or len(draft.text) > 140:
        return None
    text = re.sub(r"\b(?:[Tt]he|an?) (?=[a-z])", "", draft.text)
    return Draft(capitalised(text)) if text != draft.text else None


def _put(draft: Draft, start: int, end: int, new: str) -> Draft | None:
    if not draft.is_free(start, end):
        return None
    old = draft.text[start:end]
    return draft.replace(start, end, capitalised(new) if old[:1].isupper() and new else new)


PARAPHRASES: tuple[tuple[str, Edit, float], ...] = (  # kind, edit, how often it is tried
    ("synonym", synonym, 6.0),
    ("contraction", contraction, 1.0),
    ("number_words", figures_written.number_words, 1.5),
    ("date_notation", figures_written.date_notation, 1.5),
    ("unit_notation", figures_written.unit_notation, 1.5),
    ("time_notation", figures_written.time_notation, 1.0),
    ("rounded_down", figures_written.rounded_down, 1.0),
    ("without_parenthesis", without_parenthesis, 1.0),
    ("without_apposition", without_apposition, 1.5),
    ("without_examples", without_examples, 1.5),
    ("without_opening", without_opening, 1.5),
    ("clause_kept", clause_kept, 1.5),
    ("clauses_swapped", clauses_swapped, 1.5),
    ("enumeration_cut", enumeration_cut, 1.0),
    ("active_voice", active_voice, 2.0),
    ("adverb_dropped", adverb_dropped, 1.0),
    ("headline", headline, 0.15),
)
"""All paraphrases of one sentence."""
