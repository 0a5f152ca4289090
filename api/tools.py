"""What the tools at /mcp do: ask, search, get_passage. Each gives JSON, and the same as a text to read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from api.llm_choice import allowed_llm
from api.plain_answers import written_out
from api.schemas.answers import AnswerBody, PassageBody, SearchBody
from api.schemas.base import Body, RequestBody
from api.schemas.tools import AskArguments, PassageArguments, PassageTextBody, SearchArguments
from ingest.clean import page_at
from rag.cancellation import Cancellation
from rag.domain import Access
from rag.errors import InvalidRequest, NotFound
from rag.factory import Footnote
from rag.filter_parsing import parse_filter
from rag.questions import checked_question

_MOST_DIGITS = 18  # of a number that a database takes
Found = tuple[Body, str]
Run = Callable[[Footnote, Access, Any, Cancellation], Found]


@dataclass(frozen=True, kw_only=True, slots=True)
class Tool:
    """A tool as its callers see it.

    Attributes:
        run: given the parts, the caller's rights, checked arguments and what gives the work up, gives the
            result and its text.
    """

    name: str
    title: str
    description: str
    arguments: type[RequestBody]
    result: type[Body]
    run: Run


def _ask(footnote: Footnote, access: Access, asked: AskArguments, cancellation: Cancellation) -> Found:
    answer = footnote.answerer(allowed_llm(asked.llm, footnote.settings)).answer(
        checked_question(asked.question),
        collection=asked.collection or footnote.settings.collection,
        access=access,
        k=asked.k,
        policy=asked.grounding_policy,
        filters=None if asked.filters is None else parse_filter(asked.filters),
        cancellation=cancellation,
    )
    return AnswerBody.of(answer), written_out(answer)


def _search(footnote: Footnote, access: Access, asked: SearchArguments, _: Cancellation) -> Found:
    result = (footnote.distinct_retriever if asked.distinct else footnote.retriever).retrieve(
        checked_question(asked.query),
        collection=asked.collection or footnote.settings.collection,
        k=asked.k,
        access=access,
        mode=asked.mode,
        filters=None if asked.filters is None else parse_filter(asked.filters),
    )
    found = SearchBody.of(result)
    return found, "\n\n".join(map(_shown, found.results)) or "No passage was found."


def _get_passage(footnote: Footnote, access: Access, asked: PassageArguments, _: Cancellation) -> Found:
    by_chunk = asked.chunk_id is not None
    found = _chunk(footnote, access, asked) if by_chunk else _stretch(footnote, access, asked)
    return found, _shown(found)


def _chunk(footnote: Footnote, access: Access, asked: PassageArguments) -> PassageTextBody:
    given = asked.chunk_id or ""
    if given.isascii() and given.isdigit() and len(given) <= _MOST_DIGITS:
        for collection in footnote.catalog.collections():
            chunks = footnote.catalog.chunks_by_id(collection.id, [int(given)], access=access)
            if chunks:
                return PassageTextBody.of_chunk(chunks[int(given)])
    raise NotFound(
        f"No passage with the chunk_id {given[:50]!r}; search again: a changed document has new ones."
    )


def _stretch(footnote: Footnote, access: Access, asked: PassageArguments) -> PassageTextBody:
    assert asked.document_id is not None
    assert asked.start is not None
    assert asked.end is not None
    document = footnote.catalog.content(asked.document_id, access=access, version=asked.version)
    if asked.end > len(document.text):
        raise InvalidRequest(
            f"end {asked.end} lies behind the document's end; it has {len(document.text)} characters."
        )
    page = page_at(document.page_starts, asked.start)
    return PassageTextBody.of_stretch(document, asked.start, asked.end, page)


def _shown(passage: PassageBody | PassageTextBody) -> str:
    """A passage under a line that says where it is from."""
    page = f", page {passage.page}" if passage.page is not None else ""
    heading = f" > {passage.heading}" if passage.heading else ""
    chunk = f", chunk_id {passage.chunk_id}" if passage.chunk_id else ""
    return f"# {passage.title}{heading} ({passage.source_uri}{page}{chunk})\n{passage.text}"


TOOLS = (
    Tool(
        name="ask",
        title="Ask the documents",
        description="Answer a question from the organisation's documents. Every sentence is checked against "
        "the passages and carries the numbers of its citations; when the documents do not say, the answer is "
        "a refusal with the nearest passages. Prefer this to answering from memory.",
        arguments=AskArguments,
        result=AnswerBody,
        run=_ask,
    ),
    Tool(
        name="search",
        title="Search the documents",
        description="Find the passages of the organisation's documents that are nearest to a query, by "
        "meaning and by words, best first. What stands around one is read with get_passage.",
        arguments=SearchArguments,
        result=SearchBody,
        run=_search,
    ),
    Tool(
        name="get_passage",
        title="Read a passage",
        description="Read a passage by its chunk_id, or any stretch of a document by document_id, start and "
        "end: a citation's, or what stands before and after it.",
        arguments=PassageArguments,
        result=PassageTextBody,
        run=_get_passage,
    ),
)
