"""Angle brackets, commands and braces: HTML, autolinks, LaTeX and templates.

The text between two tags is kept. What only looks like a tag, such as ``a<b`` or ``<your name>``, stays
readable, with signs that no parser takes for one.
"""

from __future__ import annotations

import re

from rag.answering.defusing.forms import Decision, Look, closing, pass_on

_NAMES = frozenset(
    """
    a abbr acronym address applet area article aside audio b base basefont bdi bdo bgsound big blink
    blockquote body br button canvas caption center cite code col colgroup command content data datalist
    dd del details dfn dialog dir div dl dt element em embed fieldset figcaption figure font footer form
    frame frameset h1 h2 h3 h4 h5 h6 head header hgroup hr html i iframe image img input ins isindex kbd
    keygen label legend li link listing main map mark marquee math menu menuitem meta meter multicol nav
    nextid nobr noembed noframes noscript object ol optgroup option output p param picture plaintext
    portal pre progress q rb ref rp rt rtc ruby s samp script search section select shadow slot small
    source spacer span strike strong style sub summary sup svg table tbody td template textarea tfoot th
    thead time title tr track tt u ul var video wbr xmp xml xss animate animatemotion animatetransform
    circle defs desc ellipse feimage filter foreignobject g glyph lineargradient line marker mask
    metadata mpath path pattern polygon polyline radialgradient rect set stop symbol switch text
    textpath tspan use view annotation mglyph mi mn mo ms mtext semantics maction xi
    """.split()
)
"""Of HTML, SVG and MathML."""

_MEDIA = frozenset("img image picture video audio iframe frame embed object applet svg input portal".split())
_SPACED = re.compile(r"<\s{1,3}/?\s{0,3}([a-z]*)", re.IGNORECASE)
_SPACED_NAMES = (
    "img",
    "image",
    "script",
    "iframe",
    "svg",
    "embed",
    "object",
    "style",
    "link",
    "meta",
    "form",
    "a",
)
_NAME = re.compile(r"</?\s*([a-z][\w.-]*)", re.IGNORECASE)
_AUTOLINK = re.compile(r"[a-z][a-z0-9+.-]*:[^\s]*|[^\s<>]*[@./][^\s<>]*", re.IGNORECASE)
_PLACEHOLDER = re.compile(r"[\w][\w ’',.-]*")
_COMMANDS = {
    **dict.fromkeys(("href", "htmldata", "htmlid", "htmlclass", "htmlstyle", "class", "cssid", "style"), 2),
    **dict.fromkeys(("url", "nolinkurl", "path", "includegraphics", "includesvg", "includepdf", "input"), 1),
    **dict.fromkeys(("include", "import", "cite", "citep", "citet", "ref", "hyperref", "hyperlink"), 1),
    **dict.fromkeys(("bibliography", "footnotetext", "write", "openin", "lstinputlisting", "require"), 1),
}
"""LaTeX commands that link, load or refer, with the number of their arguments; the second is a label."""

_FILE_IN_BRACES = re.compile(
    r"://|//|\.(?:png|jpe?g|gif|svg|webp|bmp|ico|html?|pdf)\b|\b(?:img|image|file):", re.IGNORECASE
)


def tag(look: Look) -> Decision | None:
    """What begins with ``<``."""
    text = look.text
    if len(text) == 1:
        return pass_on(1) if look.ended else None
    second = text[1]
    if second.isspace():
        return _spaced(look)
    if not (second.isalpha() or second in "/!?@#:%&"):
        return pass_on(1)
    if text.startswith("<!-"):
        return _comment(look)
    if text.startswith("<![CDATA["):
        return Decision(taken=len("<![CDATA["))
    end, again = text.find(">"), text.find("<", 1)
    if end >= 0 and (again < 0 or end < again):
        return _closed(look, end)
    return _open(look) if look.ended or again > 0 else None


def command(look: Look) -> Decision | None:
    r"""What begins with ``\``: ``\href{target}{label}`` becomes the label."""
    match = re.match(r"\\([a-z]*)\*?\s?", look.text, re.IGNORECASE)
    assert match is not None, "the rule is asked for what begins with a backslash"
    name, end = match.group(1).lower(), match.end()
    if end == len(look.text) and not look.ended and len(name) < 30:
        return None
    arguments = _COMMANDS.get(name, 0)
    if not arguments or look.text[end : end + 1] not in ("[", "{"):
        return pass_on(1 + len(name))
    ends, is_open = _arguments(look.text, end, arguments)
    if is_open and not look.ended:
        return None
    if not ends:
        return Decision(taken=end)
    if len(ends) == arguments == 2:
        return Decision(again=(slice(ends[0] + 2, ends[1]),), taken=ends[1] + 1)
    if len(ends) < arguments and ends[-1] + 1 == len(look.text) and not look.ended:
        return None
    return Decision(taken=ends[-1] + 1, notice=True)


def braces(look: Look) -> Decision | None:
    """``{{image.png|label}}`` of wikis becomes its label; other braces are text."""
    if not look.text.startswith("{{"):
        return pass_on(1) if len(look.text) > 1 or look.ended else None
    end = look.text.find("}}")
    if end < 0:
        hopeless = look.ended or len(look.text) > 300 or "{{" in look.text[2:]
        return pass_on(2) if hopeless else None
    inside = look.text[2:end]
    if not _FILE_IN_BRACES.search(inside):
        return pass_on(2)
    label = inside.rfind("|") + 1
    return Decision(again=(slice(2 + label, end),) if label else (), taken=end + 2, notice=not label)


def _spaced(look: Look) -> Decision | None:
    """``< img src=x>``: no parser's tag, but nobody's text either."""
    match = _SPACED.match(look.text)
    if match is None:
        return pass_on(1)
    name, rest = match.group(1).lower(), look.text[match.end() :]
    if not rest and not look.ended and any(known.startswith(name) for known in _SPACED_NAMES):
        return None
    if name not in _SPACED_NAMES:
        return pass_on(1)
    end = rest.find(">")
    if end < 0:
        return pass_on(1) if look.ended or "<" in rest else None
    is_tag = "=" in rest[:end] or name != "a"
    return Decision(taken=match.end() + end + 1) if is_tag else pass_on(1)


def _comment(look: Look) -> Decision | None:
    end = look.text.find("-->", 2)
    if end >= 0:
        return Decision(taken=end + 3)
    hopeless = look.ended or "<!-" in look.text[3:]
    return Decision(taken=4 if look.text.startswith("<!--") else 3) if hopeless else None


def _closed(look: Look, end: int) -> Decision:
    inside = look.text[1:end]
    named = _NAME.match(look.text)
    name = named.group(1).lower() if named else ""
    if _is_autolink(inside, name):
        label = inside.rfind("|") + 1
        return Decision(again=(slice(1 + label, end),), taken=end + 1)
    words = inside.removeprefix(named.group(1)) if named else ""
    if len(name) == 1 and words[:1].isspace() and look.before.isalnum() and not re.search("[=/:\"']", words):
        return Decision(passed=1, again=(" ",), taken=1)  # a<b and c>d
    is_tag = name in _NAMES or not _PLACEHOLDER.fullmatch(inside)
    if is_tag:
        return Decision(taken=end + 1, notice=name in _MEDIA and not inside.startswith("/"))
    return Decision(again=("‹", slice(1, end), "›"), taken=end + 1)


def _is_autolink(inside: str, name: str) -> bool:
    if inside.startswith(("/", "!", "?")) and not inside.startswith("//"):
        return False
    bare = inside.rstrip("/")
    return (
        bool(_AUTOLINK.fullmatch(inside.partition("|")[0]))
        and bare.lower() not in _NAMES
        and "=" not in (inside.split("?")[0].split(":")[0])
        and not (name in _NAMES and name == re.split(r"[/\s]", inside.lower())[0])
    )


def _open(look: Look) -> Decision:
    """A tag that is never closed: what follows is text, and so is ``a<b``."""
    if look.text[1] in "/!?":
        return Decision(taken=2)
    named = _NAME.match(look.text)
    name = named.group(1).lower() if named else ""
    has_attributes = "=" in look.text or look.text[1 + len(name) :].isspace()
    is_tag = (len(name) > 1 and name in _NAMES) or has_attributes or not name
    if look.before.isalnum() and not is_tag:
        return Decision(passed=1, again=(" ",), taken=1)
    return Decision(again=("‹",), taken=1)


def _arguments(text: str, start: int, count: int) -> tuple[list[int], bool]:
    """Where the arguments in braces end, ``count`` of them at most; and whether one may still be closed."""
    ends: list[int] = []
    while len(ends) < count and text[start : start + 1] in ("[", "{"):
        end = closing(text, start)
        if end is None or end < 0:
            return ends, end is not None
        if text[start] == "{":
            ends.append(end)
        start = end + 1
    return ends, start == len(text) and not ends
