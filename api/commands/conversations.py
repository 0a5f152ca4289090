"""``footnote conversations list|show|delete``."""

from __future__ import annotations

from typing import Annotated

import typer

from api.console import AsJson, DataDir, command
from api.terminal import show_table, show_turn
from rag.domain import OPERATOR, ConversationKey

app = typer.Typer(
    help="List, show and delete the conversations that questions were asked in.", no_args_is_help=True
)
ConversationId = Annotated[
    str, typer.Argument(help="Id of the conversation, from `footnote conversations list`.")
]
_BATCH = 500


@app.command("list")
def list_conversations(
    limit: Annotated[int, typer.Option("--limit", min=1, help="How many, newest first.")] = 20,
    as_json: AsJson = False,
    data_dir: DataDir = None,
) -> None:
    """List conversations, newest first.

    Example: footnote conversations list --limit 5
    """
    with command(as_json=as_json, data_dir=data_dir) as run:
        from api.schemas.conversations import ConversationBody

        found = run.footnote.catalog.conversations(OPERATOR, limit=limit)
        if as_json:
            run.print_json({"items": [ConversationBody.of(one).to_json() for one in found]})
        elif not found:
            run.out.print(
                "No conversation yet: footnote ask QUESTION --conversation NAME begins one.", markup=False
            )
        else:
            rows = [
                (one.key.id, one.collection, one.turns, one.expires_at.date(), one.first_question or "")
                for one in found
            ]
            show_table(run.out, ("id", "collection", "turns", "kept until", "first question"), rows)


@app.command("show")
def show_conversation(
    conversation_id: ConversationId, as_json: AsJson = False, data_dir: DataDir = None
) -> None:
    """Show the questions and answers of a conversation.

    Example: footnote conversations show leave
    """
    with command(as_json=as_json, data_dir=data_dir) as run:
        from api.schemas.conversations import ConversationTurnsBody

        catalog, key = run.footnote.catalog, ConversationKey(owner=OPERATOR, id=conversation_id)
        conversation = catalog.conversation(key)
        turns = catalog.turns(key, limit=_BATCH)
        while turns and (more := catalog.turns(key, limit=_BATCH, after=turns[-1].ordinal)):
            turns += more
        if as_json:
            run.print_json(ConversationTurnsBody.with_turns(conversation, turns, None).to_json())
            return
        for turn in turns:
            show_turn(run.out, turn)


@app.command("delete")
def remove_conversation(
    conversation_id: ConversationId, as_json: AsJson = False, data_dir: DataDir = None
) -> None:
    """Delete a conversation with all its turns.

    Example: footnote conversations delete leave
    """
    with command(as_json=as_json, data_dir=data_dir) as run:
        key = ConversationKey(owner=OPERATOR, id=conversation_id)
        turns = run.footnote.catalog.delete_conversation(key)
        if as_json:
            run.print_json({"turns_removed": turns})
        else:
            run.out.print(f"Deleted {conversation_id!r} with {turns:,} turns.", markup=False)
