"""``footnote ask`` and ``footnote search``."""

from __future__ import annotations

from typing import Annotated

import typer

from api.console import AsJson, CollectionName, DataDir, command
from api.filter_option import FilterTexts, filter_of
from api.schemas.answers import AnswerBody, SearchBody
from api.terminal import show_answer, show_search
from rag.domain import OPERATOR, Access, SearchMode
from rag.questions import checked_question


def ask(
    question: Annotated[str, typer.Argument(help="The question, at most 4,000 characters.")],
    collection: CollectionName = None,
    llm: Annotated[
        str | None,
        typer.Option("--llm", help="extractive, a name of llms, or provider:model, e.g. openai:gpt-5-mini."),
    ] = None,
    k: Annotated[
        int | None, typer.Option("--k", min=1, max=50, help="Passages put before the generator.")
    ] = None,
    filters: FilterTexts = None,
    conversation: Annotated[
        str | None,
        typer.Option(
            "--conversation",
            metavar="ID",
            help="Read the question with the earlier ones of this conversation; a name not used yet "
            "begins one, `new` begins one under an id of Footnote's.",
        ),
    ] = None,
    as_json: AsJson = False,
    data_dir: DataDir = None,
) -> None:
    """Answer a question with footnotes, each sentence checked against its passages.

    Example: footnote ask "How many days of leave do we have?" --filter language=en

    Example: footnote ask "And in Lyon?" --conversation leave
    """
    with command(as_json=as_json, data_dir=data_dir) as run:
        checked_question(question)
        chosen = filter_of(filters)
        opened = run.footnote.conversations.open(conversation, owner=OPERATOR, collection=collection)
        answer = run.footnote.answerer(llm).answer(
            question,
            collection=opened.collection,
            access=Access.everything(),
            k=k,
            filters=chosen,
            history=opened.history,
        )
        answer = opened.keep(answer)
        if as_json:
            run.print_json(AnswerBody.of(answer).to_json())
        else:
            show_answer(run.out, answer)


def search(
    query: Annotated[str, typer.Argument(help="What to look for.")],
    collection: CollectionName = None,
    k: Annotated[int, typer.Option("--k", min=1, max=100, help="Passages wanted.")] = 10,
    mode: Annotated[SearchMode, typer.Option("--mode", help="Which index answers.")] = SearchMode.HYBRID,
    filters: FilterTexts = None,
    distinct: Annotated[
        bool, typer.Option("--distinct", help="Show no text twice and no document alone, as answers do.")
    ] = False,
    as_json: AsJson = False,
    data_dir: DataDir = None,
) -> None:
    """Find the passages nearest to a query, without writing an answer.

    Example: footnote search "parental leave" --k 5 --filter path^=en/ --filter 'metadata.year>=2025'
    """
    with command(as_json=as_json, data_dir=data_dir) as run:
        checked_question(query)
        chosen = filter_of(filters)
        retriever = run.footnote.distinct_retriever if distinct else run.footnote.retriever
        result = retriever.retrieve(
            query,
            collection=collection or run.collection,
            k=k,
            access=Access.everything(),
            mode=mode,
            filters=chosen,
        )
        if as_json:
            run.print_json(SearchBody.of(result).to_json())
        else:
            show_search(run.out, result)
