"""Answers, search results and tables for people at a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from rag.domain import Answer, AnswerStatus, Citation, ConversationTurn, Passage, SearchResult, Verdict

# A mark beside the colour: colour alone says nothing to some readers, and nothing in a pipe.
VERDICT_MARKS: dict[Verdict, tuple[str, str]] = {
    Verdict.SUPPORTED: ("✓", "green"),
    Verdict.UNSUPPORTED: ("?", "yellow"),
    Verdict.CONTRADICTED: ("✗", "red"),
    Verdict.NOT_CHECKABLE: ("·", "dim"),
}
_SNIPPET = 240
_NEAREST = 3


def show_answer(out: Console, answer: Answer) -> None:
    """Print an answer with its marks and footnotes, or a refusal with the nearest passages."""
    if answer.status is AnswerStatus.REFUSED:
        _show_refusal(out, answer)
        return
    _show_searched(out, answer.standalone_question)
    out.print(_marked_text(answer))
    if answer.status is AnswerStatus.UNVERIFIED:
        out.print(Text(f"Not verified: {answer.reason}", style="yellow"))
    elif answer.reason:
        out.print(Text(answer.reason, style="yellow"))
    if answer.citations:
        out.print()
    for citation in answer.citations:
        _show_citation(out, citation)
    _show_legend(out, answer)


def show_turn(out: Console, turn: ConversationTurn) -> None:
    """Print a question of a conversation with its answer and footnotes."""
    out.print(Text(f"{turn.ordinal}. {turn.question}", style="bold"))
    _show_searched(out, turn.standalone_question)
    out.print(Text(turn.answer))
    for citation in turn.citations:
        _show_citation(out, citation)
    out.print()


def show_search(out: Console, result: SearchResult) -> None:
    """Print passages, best first."""
    if not result.passages:
        out.print("Nothing found; try other words, or --mode dense.", markup=False)
    for rank, passage in enumerate(result.passages, start=1):
        _show_passage(out, passage, label=f"{rank}.")


def show_table(out: Console, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print rows under headings; numbers to the right."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*[Text(f"{cell:,}" if isinstance(cell, int) else str(cell)) for cell in row])
    out.print(table)


def _marked_text(answer: Answer) -> Text:
    """The answer with its ``[n]`` markers, and each sentence's verdict mark behind it."""
    shown = Text()
    position = 0
    for sentence in answer.sentences:
        mark, style = VERDICT_MARKS[sentence.verdict]
        shown.append(answer.text[position : sentence.end])
        shown.append(_missing_markers(sentence.text, sentence.citations), style="cyan")
        shown.append(f" {mark}", style=style)
        position = sentence.end
    shown.append(answer.text[position:])
    return shown


def _missing_markers(text: str, citations: Sequence[int]) -> str:
    missing = [number for number in citations if f"[{number}]" not in text]
    return " " + "".join(f"[{number}]" for number in missing) if missing else ""


def _show_citation(out: Console, citation: Citation) -> None:
    place = _place(citation.title, citation.page, citation.heading)
    out.print(
        Text.assemble((f"[{citation.n}] ", "cyan"), (place, "bold"), (f"  {citation.source_uri}", "dim"))
    )
    _print_indented(out, f"“{_one_line(citation.quote)}”")


def _show_passage(out: Console, passage: Passage, *, label: str) -> None:
    place = _place(passage.title, passage.page, passage.heading)
    score = f"  {passage.score:.3f}"
    out.print(
        Text.assemble(
            (f"{label} ", "cyan"), (place, "bold"), (f"  {passage.source_uri}", "dim"), (score, "dim")
        )
    )
    _print_indented(out, _snippet(passage.text))


def _show_searched(out: Console, standalone_question: str | None) -> None:
    if standalone_question is not None:
        out.print(Text(f"Searched for: {standalone_question}", style="dim"))


def _show_refusal(out: Console, answer: Answer) -> None:
    _show_searched(out, answer.standalone_question)
    out.print(Text.assemble(("No answer. ", "bold"), answer.reason or ""))
    if answer.passages:
        out.print("\nNearest passages:", markup=False)
    for passage in answer.passages[:_NEAREST]:
        _show_passage(out, passage, label="–")


def _show_legend(out: Console, answer: Answer) -> None:
    if answer.grounding is None:
        return
    report = answer.grounding
    parts = [
        f"{VERDICT_MARKS[verdict][0]} {report.count(verdict)} {verdict.value.replace('_', ' ')}"
        for verdict in Verdict
        if report.count(verdict)
    ]
    if answer.dropped_sentences:
        parts.append(f"{answer.dropped_sentences} unsupported removed")
    seconds = answer.timings_ms.get("total", 0.0) / 1000
    out.print(
        Text(f"\n{' · '.join(parts)} — groundedness {report.score:.2f}, {answer.llm}, {seconds:.2f} s", "dim")
    )


def _print_indented(out: Console, text: str) -> None:
    """On a terminal every line is indented; elsewhere the text stays one line."""
    out.print(Text(f"    {text}") if out.soft_wrap else Padding(Text(text), (0, 0, 0, 4)))


def _place(title: str, page: int | None, heading: str) -> str:
    parts = [title]
    below = heading.removeprefix(title).removeprefix(" > ")  # a heading path often opens with the title
    if below:
        parts.append(below)
    if page is not None:
        parts.append(f"page {page}")
    return ", ".join(parts)


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _snippet(text: str) -> str:
    line = _one_line(text)
    return line if len(line) <= _SNIPPET else line[:_SNIPPET].rsplit(" ", 1)[0] + " …"
