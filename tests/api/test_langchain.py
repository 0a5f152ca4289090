"""FootnoteRetriever in LangChain chains, over HTTP and in process."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from langchain_core.documents import Document
from langchain_core.language_models import FakeListChatModel
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.runnables import RunnablePassthrough
from langchain_core.tools import create_retriever_tool
from pydantic import SecretStr, ValidationError

from api.langchain import FootnoteRetriever
from rag.domain import Access
from rag.errors import CollectionNotFound, InvalidFilter, InvalidQuestion, NotAuthorized
from tests.api.conftest import QUESTION, Server

pytestmark = pytest.mark.slow


@pytest.fixture(params=["over HTTP", "in process"])
def retriever(request: pytest.FixtureRequest, shared_server: Server) -> Callable[..., FootnoteRetriever]:
    """Makes retrievers; what a test says of one holds for the other."""

    def make(**fields: object) -> FootnoteRetriever:
        if request.param == "in process":
            return FootnoteRetriever.of(shared_server.footnote, **fields)
        return FootnoteRetriever(url=shared_server.url, **fields)  # type: ignore[arg-type]

    return make


def joined(documents: list[Document]) -> str:
    return "\n".join(f"{document.metadata['title']}: {document.page_content}" for document in documents)


def test_a_document_is_a_passage_with_its_place(
    retriever: Callable[..., FootnoteRetriever], shared_server: Server
) -> None:
    best = retriever().invoke(QUESTION)[0]

    assert "27 days" in best.page_content
    assert best.metadata["title"] == "Annual leave"
    assert best.metadata["source"] == best.metadata["source_uri"] == "handbook/leave.md"
    assert best.id == best.metadata["chunk_id"]
    assert best.metadata["score"] > 0
    content = shared_server.client.get(f"/v1/documents/{best.metadata['document_id']}/content").json()
    assert content["text"][best.metadata["start"] : best.metadata["end"]] == best.page_content


def test_it_feeds_a_chain(retriever: Callable[..., FootnoteRetriever]) -> None:
    prompt = ChatPromptTemplate.from_template("Answer {question} from:\n{context}")
    model = FakeListChatModel(responses=["27 days."])
    sources = {"context": retriever(k=2) | joined, "question": RunnablePassthrough()}
    chain = sources | prompt | model | StrOutputParser()

    assert chain.invoke(QUESTION) == "27 days."
    assert "27 days of annual leave" in (sources | prompt).invoke(QUESTION).to_string()
    assert asyncio.run(chain.ainvoke(QUESTION)) == "27 days."


def test_an_agent_gets_it_as_a_tool(retriever: Callable[..., FootnoteRetriever]) -> None:
    handbook = create_retriever_tool(retriever(k=1), "handbook", "Searches the handbook.")

    assert "27 days" in handbook.invoke({"query": QUESTION})


def test_async_and_batched_searches_find_the_same(retriever: Callable[..., FootnoteRetriever]) -> None:
    finds = retriever(k=2)

    found = finds.invoke(QUESTION)
    assert asyncio.run(finds.ainvoke(QUESTION)) == found
    assert finds.batch([QUESTION, "train tickets"])[0] == found


def test_k_mode_and_filters_are_the_searchs_own(retriever: Callable[..., FootnoteRetriever]) -> None:
    assert len(retriever(k=1).invoke(QUESTION)) == 1
    assert retriever(mode="keyword").invoke("zzyzx") == []
    french = retriever(filters={"language": "fr"}).invoke("congé parental")
    assert {document.metadata["language"] for document in french} == {"fr"}


@pytest.mark.parametrize(
    ("fields", "query", "error"),
    [
        ({"collection": "nowhere"}, QUESTION, CollectionNotFound),
        ({"filters": {"colour": "red"}}, QUESTION, InvalidFilter),
        ({}, "  ", InvalidQuestion),
    ],
)
def test_errors_are_the_same_on_either_way(
    retriever: Callable[..., FootnoteRetriever],
    fields: dict[str, object],
    query: str,
    error: type[Exception],
) -> None:
    finds = retriever(**fields)

    with pytest.raises(error) as here:
        finds.invoke(query)
    with pytest.raises(error, match=str(here.value)[:30]):
        asyncio.run(finds.ainvoke(query))


def test_a_misspelt_field_is_an_error() -> None:
    with pytest.raises(ValidationError, match="colection"):
        FootnoteRetriever(colection="handbook")  # type: ignore[call-arg]


def test_importing_it_loads_no_model_and_no_index() -> None:
    program = "import sys, api.langchain; sys.exit(bool({'torch', 'faiss', 'tantivy'} & set(sys.modules)))"

    assert subprocess.run([sys.executable, "-c", program], cwd=Path(__file__).parents[2]).returncode == 0


def test_in_process_the_askers_rights_apply(shared_server: Server) -> None:
    access = Access(groups=frozenset({"sales"}))

    assert FootnoteRetriever.of(shared_server.footnote, access=access).invoke(QUESTION)


def test_the_servers_key_is_sent(serve: Callable[..., Server]) -> None:
    server = serve(filled=True, api_key=SecretStr("a-long-enough-key-for-tests"))

    with pytest.raises(NotAuthorized, match="key"):
        FootnoteRetriever(url=server.url).invoke(QUESTION)
    opened = FootnoteRetriever(url=server.url, api_key=SecretStr("a-long-enough-key-for-tests"))
    assert opened.invoke(QUESTION)
    assert "a-long-enough-key" not in repr(opened)


def test_where_nothing_answers_the_error_says_what_to_do() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"

    with pytest.raises(ConnectionError, match="footnote serve"):
        FootnoteRetriever(url=url).invoke(QUESTION)


def test_a_server_that_is_not_footnote_is_told_apart() -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as other:
        threading.Thread(target=other.serve_forever).start()
        try:
            with pytest.raises(ConnectionError, match="not Footnote"):
                FootnoteRetriever(url=f"http://127.0.0.1:{other.server_port}").invoke(QUESTION)
        finally:
            other.shutdown()


def test_a_search_that_takes_too_long_is_given_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:  # accepts, and never says a word
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        with pytest.raises(TimeoutError, match="timeout_s"):
            FootnoteRetriever(url=url, timeout_s=0.1).invoke(QUESTION)
