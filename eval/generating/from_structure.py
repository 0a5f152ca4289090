"""Questions from how a document is laid out: headings, questions with their answers, tables, figures."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from eval.generating.candidates import Candidate, Kind
from eval.generating.documents import Block, Section, SourceDocument
from eval.generating.wording import Wording
from ingest.stages import BlockKind
from rag.domain import CELL_SEPARATOR
from rag.text.language import UNDETERMINED, detect_language

_WORD = re.compile(r"[^\W\d_]{2,}")
_FAQ = re.compile(
    r"^(?:Q|Question)\s?\d*\s?[:.)–-]\s*(?P<question>[^\n]{8,200}\?)\s*"
    r"(?:\n?(?:A|R|Answer|Réponse)\s?\d*\s?[:.)–-]\s*(?P<answer>.+))?$",
    re.DOTALL,
)
_ANSWER_MARK = re.compile(r"^(?:A|R|Answer|Réponse)\s?\d*\s?[:.)–-]\s*")
_SPEAKER = re.compile(r"^\w+ ?:")
_LIST_MARK = re.compile(r"^(?:\d{1,2}[.)]|[a-z][.)]|[-*•–])\s+")
_LINK = re.compile(r"https?://|www\.|@\w|\][(\[]|\{\{|[<>|\\]")
_NOTHING = re.compile(r"^(?:-|–|—|n/?a|none|aucune?|tbd|x|✓|✔|\W*)$", re.IGNORECASE)
_EMPTY_HEADINGS = re.compile(
    r"^(?:introduction|overview|summary|background|contents?|table of contents|references?|links?|resources?|"
    r"see also|notes?|about(?: this .*)?|contact(?: us)?|contacts?|appendix|annexe?s?|conclusion|next steps?|"
    r"examples?|other|general|purpose|scope|more information|further reading|action items|.*case studies|"
    r"sommaire|table des matières|résumé|ressources?|liens?|références?|voir aussi|généralités|objet|"
    r"exemples?|divers|remarques?|pour en savoir plus|prochaines étapes|checklist|liste de vérification)$",
    re.IGNORECASE,
)
_QUOTE_WORDS = (5, 60)
_HEADING_WORDS = (2, 10)
_SHORT_QUESTION = 6  # words; a shorter one is told of which document it is asked
_MAX_CELL = 80
_MAX_LABEL = 50
_FIGURE_WORDS = (
    r"(?:\d[\d.,\u00a0\u202f ]*|one|two|three|four|five|six|seven|eight|nine|ten|twelve|"
    r"deux|trois|quatre|cinq|sept|huit|neuf|dix|douze|quinze|vingt|trente)"
)


def from_structure(document: SourceDocument, wording: Wording) -> Iterator[Candidate]:
    """All of them; what is ambiguous in its document is left out."""
    for section in document.sections:
        yield from _faq(document, section, wording)
        yield from _heading(document, section, wording)
        yield from _cells(document, section, wording)
        yield from _figures(document, section, wording)


def usable_quote(document: SourceDocument, quote: str) -> bool:
    """Whether a text can be a quote: of a fair length, of the document's language, and in one place of it."""
    low, high = _QUOTE_WORDS
    return (
        low <= len(quote.split()) <= high
        and _LINK.search(quote) is None
        and document.text.count(quote) == 1
        and detect_language(quote) in (document.language, UNDETERMINED)
    )


def plain_sentences(block: Block) -> Iterator[str]:
    """A block's whole sentences without the list's marks; questions and announcements are none."""
    for sentence in block.sentences():
        bare = _LIST_MARK.sub("", sentence)
        if bare[-1:] in ".!" and bare[:1].isupper():
            yield bare


def _faq(document: SourceDocument, section: Section, wording: Wording) -> Iterator[Candidate]:
    """A question that stands in the text, with the block behind it."""
    for place, block in enumerate(section.blocks):
        found = _FAQ.match(block.text)
        question = found["question"] if found else block.text
        if not _is_whole_question(question) or (found is None and block.kind is not BlockKind.PARAGRAPH):
            continue
        told = found["answer"] if found else None
        if told is None and place + 1 < len(section.blocks):
            told = section.blocks[place + 1].text
        if told and not told.endswith("?"):
            yield from _answered(document, Kind.FAQ, _LIST_MARK.sub("", question), told, wording)


def _heading(document: SourceDocument, section: Section, wording: Wording) -> Iterator[Candidate]:
    """What stands under a heading; a heading that asks is the question itself."""
    heading, words = section.heading, section.heading.split()
    if not heading or _EMPTY_HEADINGS.match(heading) or _LINK.search(heading):
        return
    body = next(plain_sentences(section.blocks[0]), None)
    if body is None:
        return
    if heading.endswith("?"):
        if len(words) >= 3:
            yield from _answered(document, Kind.QUESTION_HEADING, heading, body, wording)
    elif _HEADING_WORDS[0] <= len(words) <= _HEADING_WORDS[1] and _has_words(heading, 2):
        names = (heading, document.title)
        if _same(*names) or not document.title or wording.leans(heading):
            return
        if any(detect_language(name) not in (document.language, UNDETERMINED) for name in names):
            return  # a document in two languages
        title, quoted = wording.quoted(document.title), wording.quoted(heading)
        question = wording.about.format(title=title, heading=quoted)
        yield from _answered(document, Kind.HEADING, question, body, wording)


def _cells(document: SourceDocument, section: Section, wording: Wording) -> Iterator[Candidate]:
    """One cell of a table's row, by the row's first cell and the column's label."""
    name = section.heading or document.title
    rows = [block for block in section.blocks if block.kind is BlockKind.TABLE_ROW and block.header]
    firsts = [block.text.split(CELL_SEPARATOR)[0] for block in rows]
    for block, first in zip(rows, firsts, strict=True):
        labels, cells = block.header.split(CELL_SEPARATOR), block.text.split(CELL_SEPARATOR)
        if len(labels) != len(cells) or firsts.count(first) > 1 or not _is_name(first) or not name:
            continue
        for label, cell in list(zip(labels, cells, strict=True))[1:]:
            if (
                len(label) > _MAX_LABEL
                or not _is_name(label)
                or labels.count(label) > 1
                or not _is_value(cell)
            ):
                continue
            question = wording.cell.format(
                heading=wording.quoted(name), row=wording.quoted(first), column=wording.quoted(label)
            )
            if document.text.count(block.text) == 1 and not _LINK.search(
                block.text.replace(CELL_SEPARATOR, " ")
            ):
                yield _candidate(document, Kind.TABLE, wording.ask(question), block.text, cell)


def _figures(document: SourceDocument, section: Section, wording: Wording) -> Iterator[Candidate]:
    """The only figure of its unit under a heading."""
    heading = section.heading
    if heading.endswith("?") or _EMPTY_HEADINGS.match(heading) or not _has_words(heading, 1):
        return
    for unit, question in wording.units.items():
        pattern = re.compile(
            rf"(?<![\w.,/-]){_FIGURE_WORDS}[ \u00a0\u202f-]?(?:{unit})(?! \d)", re.IGNORECASE
        )
        found = list(pattern.finditer(section.text))
        if len(found) != 1:
            continue
        figure = found[0].group()
        quote = _sentence_with(section.blocks, figure)
        if quote is not None and usable_quote(document, quote):
            asked = question.format(heading=wording.quoted(heading))
            if len(heading.split()) < 2 and document.title:
                asked = wording.within.format(question=asked, title=wording.quoted(document.title))
            yield _candidate(document, Kind.FIGURE, wording.ask(asked), quote, figure)


def _answered(
    document: SourceDocument, kind: Kind, question: str, told: str, wording: Wording
) -> Iterator[Candidate]:
    """The question, answered by the first sentence of ``told``."""
    bare = _ANSWER_MARK.sub("", told)
    answer = next(plain_sentences(Block(kind=BlockKind.PARAGRAPH, text=bare, start=0)), "")
    if bare.startswith(answer) and usable_quote(document, answer) and not _SPEAKER.match(question):
        if len(question.split()) < _SHORT_QUESTION and document.title:
            plain = question.rstrip(" ?")
            question = wording.within.format(question=plain, title=wording.quoted(document.title))
        yield _candidate(document, kind, wording.ask(question), answer, answer)


def _candidate(document: SourceDocument, kind: Kind, question: str, quote: str, answer: str) -> Candidate:
    return Candidate(
        kind=kind,
        language=document.language,
        question=question,
        document=document.address,
        quote=quote,
        answer=answer,
    )


def _sentence_with(blocks: Sequence[Block], figure: str) -> str | None:
    return next((one for block in blocks for one in plain_sentences(block) if figure in one), None)


def _is_whole_question(text: str) -> bool:
    return text.endswith("?") and text.count("?") == 1 and 4 <= len(text.split()) <= 30 and "\n" not in text


def _is_name(cell: str) -> bool:
    return 1 < len(cell) <= _MAX_CELL and _WORD.search(cell) is not None and _NOTHING.match(cell) is None


def _is_value(cell: str) -> bool:
    return 0 < len(cell) <= _MAX_CELL and _NOTHING.match(cell) is None


def _has_words(text: str, count: int) -> bool:
    return len(_WORD.findall(text)) >= count


def _same(one: str, other: str) -> bool:
    return _WORD.findall(one.lower()) == _WORD.findall(other.lower())
