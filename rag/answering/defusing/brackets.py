"""Square brackets: our markers pass, links and images become their label, the rest is text.

Markdown's links, images, references, footnotes and definitions, wiki and Org links, BBCode, and the citation
marks of other products.
"""

from __future__ import annotations

import re

from rag.answering.defusing.forms import Decision, Look, closing, is_prose, pass_on

_MARKER = re.compile(r"\s*\d{1,3}(?:\s*[,;]\s*\d{1,3})*\s*")
_FOREIGN_MARKER = re.compile(
    r"\^.*|.*[†‡].*|\d+:\d+.*"
    r"|\s*(?:cite|citation|oaicite|ref|source|doc|document|passage)s?\s*[:#_-]?\s*[\d, ]+\s*",
    re.IGNORECASE | re.DOTALL,
)
_BBCODE = re.compile(
    r"/?(?:url|link|img|email|video|audio|media|youtube|vimeo|iframe|embed|flash|attach|thumb|gallery"
    r"|attachment|quote|download|user|mention|file|image|html)(?:=.*|\s+\w+=.*)|/?(?:url|img|youtube|vimeo|iframe)"
    r"|/(?:link|email|video|audio|media|embed|flash|attach|attachment|thumb|gallery|image|file|html)",
    re.IGNORECASE | re.DOTALL,
)
_INDEX = re.compile(r"\w{1,2}")
"""As in ``a[i][j]``, which no definition can make a link: none is left."""

_WIKI = re.compile(r"\[([^\[\]]*)\](?:\[([^\[\]]*)\])?")
_FILE = re.compile(
    r":?(?:file|image|media|fichier|datei|archivo|attachment)\s*:|.*\.\w{2,5}(?:#.*)?$", re.IGNORECASE
)


def bracket(look: Look) -> Decision | None:
    """What begins with ``[`` or ``![``."""
    text = look.text
    opening = 1 if text[0] == "!" else 0
    if text[opening : opening + 1] != "[":
        return pass_on(1) if len(text) > opening or look.ended else None
    end = closing(text, opening)
    if end is None or end < 0:
        return Decision(passed=1, taken=opening + 1) if look.ended or end is None else None
    if end + 1 == len(text) and not look.ended:
        return None  # what follows decides
    label = text[opening + 1 : end]
    if _MARKER.fullmatch(label):
        return _marker(look, end)
    return _labelled(look, opening, end)


def closing_bracket(look: Look) -> Decision | None:
    """A ``]`` whose form began too long ago: what follows it is a target all the same."""
    if len(look.text) == 1 and not look.ended:
        return None
    if look.text[1:2] == "(":
        return _before_target(look, Decision(passed=1, taken=1))
    if look.text[1:2] == "[":
        return Decision(passed=1, again=(" ",), taken=1)
    return pass_on(1)


def foreign_marker(look: Look) -> Decision | None:
    """``【1†source】``; other text in such brackets passes."""
    end = look.text.find("】")
    if end < 0:
        hopeless = look.ended or len(look.text) > 80 or "【" in look.text[1:]
        return pass_on(1) if hopeless else None
    inside = look.text[1:end]
    is_marker = _FOREIGN_MARKER.fullmatch(inside) or _MARKER.fullmatch(inside)
    return Decision(taken=end + 1) if is_marker else pass_on(end + 1)


def _marker(look: Look, end: int) -> Decision | None:
    """``[1]`` and ``[1, 3]``; what would make a link or a definition of it goes."""
    marker = pass_on(end + 1)
    follows = look.text[end + 1 : end + 2]
    if follows == "(":
        return _before_target(look, marker, start=end + 1)
    if follows == ":" and not look.before.isalnum():
        if end + 2 == len(look.text) and not look.ended:
            return None
        gap = () if look.text[end + 2 : end + 3].isspace() else (" ",)
        return Decision(passed=end + 1, again=gap, taken=end + 2)
    return marker


def _labelled(look: Look, opening: int, end: int) -> Decision | None:
    text = look.text
    label = slice(opening + 1, end)
    follows = text[end + 1 : end + 2]
    if _FOREIGN_MARKER.fullmatch(text[label]):
        return Decision(taken=end + 1 + (follows == ":"))
    if _BBCODE.fullmatch(text[label]):
        return Decision(again=_value(text, label), taken=end + 1)
    if (wiki := _WIKI.fullmatch(text[label])) is not None:
        return _wiki(wiki, opening + 1, end)
    if follows == "(":
        return _before_target(look, Decision(again=(label,), taken=end + 1), start=end + 1)
    if follows == "[":
        return _referring(look, label, end)
    if opening or (follows == ":" and not look.before.isalnum()):
        return Decision(again=(text[:opening], label), taken=end + 1)
    gap = (" ",) if look.before == "]" else ()
    return Decision(again=(*gap, label), taken=end + 1) if gap else pass_on(1)


def _value(text: str, label: slice) -> tuple[slice | str, ...]:
    """Of ``[url=x]`` the ``x``: it is shown if it is an address of our own."""
    name, _, value = text[label].partition("=")
    if not value or name.startswith("/"):
        return ()
    return (" ", slice(label.start + len(name) + 1, label.stop), " ")


def _wiki(match: re.Match[str], offset: int, end: int) -> Decision:
    """Of ``[[target|label]]`` and ``[[target][label]]`` the label; ``[[1]]`` is a marker."""
    group = 2 if match.group(2) else 1
    inside = match.group(group)
    if _MARKER.fullmatch(match.group(1)) and group == 1:
        return Decision(again=(slice(offset, end),), taken=end + 1)
    start = offset + match.start(group) + inside.rfind("|") + 1
    target = match.group(1).partition("|")[0]
    if not inside.strip() or (_FILE.match(target) and group == 1 and "|" not in inside):
        return Decision(notice=True, taken=end + 1)
    return Decision(again=(slice(start, offset + match.end(group)),), taken=end + 1)


def _referring(look: Look, label: slice, end: int) -> Decision | None:
    """``[label][reference]``: the reference goes, unless it is a marker of ours."""
    second = closing(look.text, end + 1)
    if second is None or second < 0:
        hopeless = look.ended or second is None
        return Decision(again=(label, " "), taken=end + 1) if hopeless else None
    reference = look.text[end + 2 : second]
    if look.before.isalnum() and _INDEX.fullmatch(look.text[label]) and _INDEX.fullmatch(reference):
        return pass_on(second + 1)
    if _MARKER.fullmatch(reference):
        return Decision(again=(label, " "), taken=end + 1)
    return Decision(again=(label,), taken=second + 1, notice=not look.text[label].strip())


def _before_target(look: Look, decided: Decision, start: int = 1) -> Decision | None:
    """``decided`` about what stands before ``(…)``, and of the target what may be shown."""
    end = closing(look.text, start)
    if end is None or end < 0:
        return _and(decided, " ") if look.ended or end is None else None
    target = look.text[start + 1 : end]
    address = target.strip().strip("<>").split()[:1]
    if is_prose(target) or (address and address[0] in look.own):
        return _and(decided, " ", slice(start, end + 1), taken=end + 1)
    empty = (
        decided.again
        and not "".join(look.text[part] for part in decided.again if isinstance(part, slice)).strip()
    )
    return Decision(passed=decided.passed, again=decided.again, taken=end + 1, notice=bool(empty))


def _and(decided: Decision, *more: slice | str, taken: int = 0) -> Decision:
    return Decision(passed=decided.passed, again=(*decided.again, *more), taken=max(taken, decided.taken))
