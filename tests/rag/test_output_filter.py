"""Nothing a generator writes can link, load, run, refer or hide; ordinary text passes as it is."""

from __future__ import annotations

import html
import json
import random
import re
import unicodedata
from collections.abc import Collection
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from urllib.parse import unquote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from rag.answering.output_filter import OutputFilter
from rag.domain import Passage
from tests.passages import LEAVE, VPN, passage
from tests.rag.hostile_outputs import HOSTILE

SAMPLES = Path(__file__).parents[2] / "samples"
OWN = "https://docs.acme.example/leave.html"
PASSAGES = (
    passage(LEAVE, source_uri=OWN),
    passage(f"{VPN} Write to help@acme.example or see intranet.acme.fr about it.", number=2),
    passage("Look at https://evil.example/login now.", number=3),
)
ATTACKS = [(family, text) for family, texts in HOSTILE.items() for text in texts]

RAW_FORMS = {
    "address with slashes": r"[a-z][a-z0-9+.-]*:[/\\]{2}|https?\s?:\s?[/\\]",
    "scheme": r"\b(?:https?|hxxps?|ftp|file|data|javascript|vbscript|mailto|tel|sms|intent|obsidian|vscode)"
    r":[^\s:*]",
    "protocol-relative": r"(?:^|[\s(\"'=|])//+(?:\w[\w-]*[./:@]|\[)|(?:^|[\s(\"'=|])[\\/]*\\[\\/]+\w{3,}",
    "www": r"\bwww\d*\.",
    "attacker": r"\bevil\s?\.\s?(?:com|example|net|co)(?!\w|-\w)|@evil",
    "link or image": r"\]\(|\]\[(?!\s*\d|\w\])|!\[(?!\s*\d)|\[\[(?!\d)",
    "definition": r"(?m)^[\s>*+.\-\d]*\[[^\]]+\]:",
    "tag": r"<[a-z/!?]",
    "spaced tag": r"<\s{0,2}/?\s{0,2}(?:img|script|svg|iframe|a\s|style)",
    "footnote": r"\[\^|【\s*\d|†",
    "bbcode": r"\[/?(?:url|img|email|video|youtube)\b",
    "latex": r"\\(?:href|url|includegraphics|input|html\w+|hyperref|cite)\s*[\[{]",
    "directive": r"(?m)^\.\. |image::|include::|link:[^\s]",
    "textile": r"\":[/.#]|![^\s!]+\.png",
    "creole": r"\{\{[^}]*\.png",
    "foreign citation": r"citeturn|oaicite",
}
"""Forms as a regular expression finds them, whatever a parser makes of them."""

RENDERER = MarkdownIt("gfm-like", {"html": True, "linkify": True})
MAY_STAY = ("\n", "\t")


class Tags(HTMLParser):
    """What an HTML parser sees beside text."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=False)
        self.seen: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.seen.append(tag)

    def handle_endtag(self, tag: str) -> None:
        self.seen.append(f"/{tag}")

    def handle_comment(self, data: str) -> None:
        self.seen.append(f"comment {data}")

    def handle_decl(self, decl: str) -> None:
        self.seen.append(f"declaration {decl}")

    def unknown_decl(self, data: str) -> None:
        self.seen.append(f"declaration {data}")

    def handle_pi(self, data: str) -> None:
        self.seen.append(f"instruction {data}")


def rendered_forms(text: str) -> list[str]:
    """What a Markdown renderer with automatic links and HTML makes of the text, beside text."""
    found = []
    for block in RENDERER.parse(text):
        for token in (block, *(block.children or ())):
            if token.type in ("link_open", "image", "html_block", "html_inline"):
                found.append(f"{token.type} {token.attrs.get('href', token.content)}")
    return found


def readings(text: str) -> set[str]:
    """The text as it stands, and as a careless consumer may decode it."""
    plain = html.unescape(html.unescape(text))
    return {text, plain, unquote(plain, errors="replace"), unicodedata.normalize("NFKC", plain)}


def unseen(text: str) -> list[str]:
    """Characters that nobody sees."""
    kinds = ("Cc", "Cf", "Co", "Cn", "Cs", "Zl", "Zp")
    tricks = "\u034f\u115f\u1160\u3164\uffa0\u2800\ufffc\u180b\u180c"
    return [
        hex(ord(character))
        for place, character in enumerate(text)
        if character not in MAY_STAY
        and (unicodedata.category(character) in kinds or character in tricks or is_selector(character))
        and not has_use(text[:place], character, text[place + 1 :])
    ]


def is_selector(character: str) -> bool:
    return 0xFE00 <= ord(character) <= 0xFE0F or 0xE0100 <= ord(character) <= 0xE01EF


def has_use(before: str, character: str, after: str) -> bool:
    """Whether it is one sign's selector, or joins two signs or two letters of a script that needs it."""
    kinds = [unicodedata.category(text) for text in (before[-1:], after[:1]) if text]
    if character in "\ufe0e\ufe0f":
        return before[-1:] in [*"#*0123456789‼⁉"] or kinds[:1] in (["So"], ["Sm"])
    letters = ("Lo", "Mn", "Mc", "So", "Sk")  # Mn: among them the selector of a sign
    return character in "\u200c\u200d" and len(kinds) == 2 and all(kind in letters for kind in kinds)


def harm(text: str, forms: Collection[str] = tuple(RAW_FORMS)) -> list[str]:
    """Everything in a shown text that links, loads, runs, refers or hides."""
    found = [f"unseen {character}" for character in unseen(text)]
    for reading in readings(text):
        found += rendered_forms(reading) + Tags(reading).seen
        for name in forms:
            match = re.search(RAW_FORMS[name], reading, re.IGNORECASE)
            if match:
                found.append(f"{name}: {match.group()}")
    return found


def filtered(text: str, passages: tuple[Passage, ...] = PASSAGES) -> str:
    output = OutputFilter(passages)
    return output.feed(text) + output.finish()


def streamed(text: str, cuts: list[int], passages: tuple[Passage, ...] = PASSAGES) -> str:
    output = OutputFilter(passages)
    places = sorted({0, len(text), *(cut % (len(text) + 1) for cut in cuts)})
    pieces = [output.feed(text[start:end]) for start, end in pairwise(places)]
    return "".join(pieces) + output.finish()


def test_the_table_is_large_and_no_attack_stands_in_it_twice() -> None:
    texts = [text for _, text in ATTACKS]
    assert len(texts) == len(set(texts)) >= 300


@pytest.mark.parametrize(("family", "text"), ATTACKS, ids=[f"{n}-{a[0]}" for n, a in enumerate(ATTACKS)])
def test_no_hostile_output_passes(family: str, text: str) -> None:
    shown = filtered(f"Leave is 25 days [1]. {text} Ask Human Resources [2].")
    assert harm(shown) == []
    assert "Leave is 25 days [1]." in shown
    shown = filtered(text)
    assert harm(shown) == []
    seeded = random.Random(len(text))
    for _ in range(3):
        assert streamed(text, [seeded.randrange(len(text) + 1) for _ in range(6)]) == shown
    assert filtered(shown) == shown


@pytest.mark.parametrize("attacks", range(0, len(ATTACKS), 7))
def test_attacks_that_follow_each_other_closely_do_not_pass_either(attacks: int) -> None:
    seeded = random.Random(attacks)
    text = "".join(seeded.choice(ATTACKS)[1] + seeded.choice(["", " ", "\n"]) for _ in range(6))
    shown = filtered(text)
    assert harm(shown) == []
    assert streamed(text, [seeded.randrange(10_000) for _ in range(9)]) == shown


HOSTILE_PIECES = st.sampled_from(
    r"""
    [ ] ( ) { } < > ! : / \ . @ % & ; # | _ * ` " ' = - ^ x e 1 104 http www evil.com javascript ]: ]( ![
    &# &lt; &#x3c; ． ： \href{ 【 † <img 😀 a= // []( [[ ]] <! --> %2F
    """.split()
) | st.sampled_from(" \n\t\r\u200b\u200d\ufe0f\ud800\x1b")
PARSED = ("address with slashes", "protocol-relative", "www", "attacker", "tag")
"""Raw forms that nothing need precede or follow."""


@given(st.lists(HOSTILE_PIECES | st.characters(), max_size=40).map("".join), st.lists(st.integers(0, 99)))
@example("a [1](b", [4])
@example("&amp;lt;img", [1, 2, 3, 4, 5, 6, 7])
def test_a_text_gives_the_same_whole_and_in_pieces(text: str, cuts: list[int]) -> None:
    assert streamed(text, cuts) == filtered(text)


@given(st.lists(HOSTILE_PIECES, max_size=30).map("".join))
def test_whatever_is_put_together_nothing_harmful_is_left(text: str) -> None:
    assert harm(filtered(text), PARSED) == []


@given(st.text(max_size=200))
def test_the_shown_characters_are_all_seen(text: str) -> None:
    assert unseen(filtered(text)) == []


BENIGN = (
    "You have twenty-five days of leave a year [1]. Five may be carried over [1][3], or [1, 3], see [7].",
    "Vous avez 25 jours de congés [1] : « cinq d’entre eux » peuvent être reportés [2] !",
    "Le tarif est de 12\u202f500\u00a0€ ; l’indemnité, de 3,5\u00a0%. Qu’en est-il\u202f? Œuvre, ﬁn, naïve.",
    "a < b, x <= 3, 5 < 10 > 2, p<0.05, x->y, a <- b, 3 >= 2, i <3 u, n<<2, 50% of 100 %",
    "C:\\Users\\me\\Documents and D:\\share, /etc/hosts, src/main.c, and/or, n/a, km/h, 24/7",
    "// a comment\nx = a[i] + b[i][j]  # and more\nfor k in d[i]: print(k)\nstd::sort(v)",
    "12/03/2026, 2026-03-12, 10:30, 10:30:15, 16h30, 3:1, Q: what? A: note: this: that. Ratio 1:2.",
    "e.g. this, i.e. that, etc. M. Dupont, Mme. Durand, J.-C. Petit, U.S. law, Ph.D., 9 a.m., No. 5, v2.0.1.",
    "- one\n- two\n  * three\n1. four\n2) five\n\n# Heading\n## Sub-heading\n> quoted\n\n---\n\n***\n",
    "| Grade | Days |\n|---|---:|\n| A | 25 |\n| B | 30 |",
    "**bold** *italic* __bold__ _italic_ `code` ~~gone~~ ```\nblock\n``` snake_case_name 2*3*4",
    "[x] done, [ ] open, [sic], [optional], [...], […], [a-z], (see above), {name}, {{ name }}, ${HOME}",
    "😀 👍🏽 ❤️ 👨‍👩‍👧 🇫🇷 1️⃣ ☎️ ✈ © ® ™ → ← ≤ ≥ ± × ÷ ½ € £ ¥ ° § ¶ • … – — ‰ µ",
    "Ärger, señor, façade, Łódź, Привет мир, Ελληνικά, 你好，世界。今天：开会！（重要）, こんにちは【重要】",
    "العربية و עברית and हिन्दी क्\u200dष, می\u200cخواهم",
    "Dial +33 1 23 45 67 89 (ext. 12), or 1-800-222-0364; room #12, @team, R&D, AT&T, Q&A, P&L, 5 & 6.",
    'She said "yes", he said \'no\'; {"a": 1, "b": [2, 3]} and \\alpha + \\frac{1}{2} = \\sqrt{x}, x^2, y_1',
    "Data: none. File: two. Image: clear. JavaScript: a language. Mailto: nobody. Tel: 01 23. About: us.",
    "the news: good; to include: all; git: yes; https is safer than http, and www is not needed; ftp, too",
    "Use ./run.sh, ../up, ~/.profile, --flag=value, -x, a=b, a==b, a!=b, a&&b, a||b, !important, 100!",
    "Is it so?! Yes!!! Well... No.. hm. ..and then ...",
    "List‹String› and «x» and 'y' and <3 and << and >> and <> and < > and <=> and <-",
)


@pytest.mark.parametrize("text", BENIGN)
def test_ordinary_text_passes_as_it_is(text: str) -> None:
    assert filtered(text) == text
    assert streamed(text, [*range(len(text))]) == text


def sample_texts() -> list[tuple[str, str]]:
    questions = (SAMPLES / "questions.jsonl").read_text(encoding="utf-8").splitlines()
    answers = [("questions", str(value)) for line in questions for value in json.loads(line).values()]
    return answers + [
        (path.name, line)
        for path in sorted((SAMPLES / "handbook").rglob("*.md"))
        for line in path.read_text(encoding="utf-8").splitlines()
    ]


def test_the_samples_pass_as_they_are() -> None:
    texts = sample_texts()
    changed = [
        (name, text)
        for name, text in texts
        if "://" not in text and "](" not in text and filtered(text, (passage(text),)) != text
    ]
    assert changed == []
    assert len(texts) > 500


@pytest.mark.parametrize(
    "text",
    [
        "Write to help@acme.example [2].",
        "See intranet.acme.fr, or (intranet.acme.fr).",
        "The policy is at https://docs.acme.example/leave.html.",
        "The policy is here: https://docs.acme.example/leave.html [1], as said.",
    ],
)
def test_the_documents_own_addresses_and_those_that_passages_say_stay(text: str) -> None:
    assert filtered(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("See the [policy](https://evil.example/x) now [1].", "See the policy now [1]."),
        ("[policy](https://docs.acme.example/leave.html)", "policy (https://docs.acme.example/leave.html)"),
        ("Go to https://evil.example/x, then rest.", "Go to (link removed), then rest."),
        ("https://docs.acme.example/leave.html?q=secret", "(link removed)"),
        ("https://docs.acme.example/leave.html.evil.com", "(link removed)"),
        ("![logo](https://evil.example/l.png)", "logo"),
        ("![](https://evil.example/l.png)", "(link removed)"),
        ("[policy][1] and [policy][ref]", "policy [1] and policy"),
        ("[1]: https://evil.example", "[1] (link removed)"),
        ("Days: 25 [1](https://evil.example).", "Days: 25 [1]."),
        ("Ask [1](see page 3).", "Ask [1] (see page 3)."),
        ("<b>Leave</b> is <i>25</i> days.", "Leave is 25 days."),
        ("Replace <your name> by yours.", "Replace ‹your name› by yours."),
        ("if a<b and c>d", "if a< b and c>d"),
        ("our page (https://evil.example)", "our page (link removed)"),
        ("(see https://evil.example)", "(see (link removed))"),
        ("at 10.0.0.1:8080 or 10.0.0.1/admin", "at 10 (link removed) or 10 (link removed)"),
        ("in 10.0.0.0/8, not 192.168.1.0/24 or 10.0.0.1", "in 10.0.0.0/8, not 192.168.1.0/24 or 10.0.0.1"),
        ("a&#xFFFE;b", "ab"),
        ("Call tel:+33123456789.", "Call tel: +33123456789."),
        ("Mail bob@evil.com or not-help@acme.example", "Mail bob (link removed) or not-help (link removed)"),
        ("[[Leave|our leave page]]", "our leave page"),
        ("\\href{https://evil.example}{our page}", "our page"),
        ("red \x1b[31malert\x1b[0m", "red alert"),
        ("one\r\ntwo\rthree", "one\ntwo\nthree"),
        ("25\u200b days", "25 days"),
    ],
)
def test_what_is_left_can_be_read(text: str, shown: str) -> None:
    assert filtered(text) == shown


def test_what_is_removed_is_said_in_the_documents_language() -> None:
    french = (passage("Les congés.", language="fr"),)
    assert filtered("Voir https://evil.example.", french) == "Voir (lien retiré)."


def test_words_pass_at_once_and_only_what_may_become_a_form_waits() -> None:
    output = OutputFilter(PASSAGES)
    assert output.feed("You") == "You"
    assert output.feed(" have twenty-five") == " have twenty-five"
    assert output.feed(" days [1") == " days "
    assert output.feed("]") == ""
    assert output.feed(" a year.") == "[1] a year"
    assert output.feed("\n") == ".\n"
    assert output.feed("See htt") == "See "
    assert output.feed("ps://evil.example/x") == ""
    assert output.finish() == "(link removed)"


@pytest.mark.parametrize(
    "opening", ["[", "![", "<a ", "<!-- ", "https://x", "{{", "\\href{", "【", "a/", "&", "\x1b]"]
)
def test_nothing_is_held_back_without_end(opening: str) -> None:
    output = OutputFilter(PASSAGES)
    held = len(output.feed(opening + "a" * 5000 + " " + "word " * 200))
    assert held > 300
    assert harm(filtered(opening + "a" * 5000 + " word")) == []


@pytest.mark.parametrize("text", ["^k7q^Leave is ^k7q^25 days.", "Leave is ^k7q^^k7q^25 days^k7q^."])
def test_the_marker_of_the_passages_is_removed_when_the_model_repeats_it(text: str) -> None:
    output = OutputFilter(PASSAGES, datamark="^k7q^")
    assert "".join(map(output.feed, text)) + output.finish() == "Leave is 25 days."


@pytest.mark.parametrize(
    "form", ["[", "![", "[1](", "[[a]", "](", "{{", "\\href{", "\\url[", "【", "<!--", "<a ", "<<", "\n.. a"]
)
def test_a_text_of_nothing_but_beginnings_is_read_in_time(form: str) -> None:
    assert harm(filtered(form * 2000), PARSED) == []
