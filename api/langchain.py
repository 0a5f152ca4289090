"""Footnote as a LangChain retriever, over HTTP or in the same process.

::

    retriever = FootnoteRetriever(url="http://127.0.0.1:8000", collection="handbook", k=6)
    retriever = FootnoteRetriever.of(footnote, collection="handbook", k=6)

Either is a Runnable like any other retriever of LangChain, and both raise the same errors.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar, Self
from urllib.parse import urlsplit

import httpx
from langchain_core.callbacks import AsyncCallbackManagerForRetrieverRun, CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables.config import run_in_executor
from pydantic import ConfigDict, Field, PrivateAttr, SecretStr, ValidationError

from api.errors import TABLE
from api.schemas.answers import PassageBody, SearchBody
from api.security import is_loopback
from rag.domain import Access, SearchMode
from rag.errors import FootnoteError, SourceError
from rag.filter_parsing import parse_filter
from rag.questions import checked_question

if TYPE_CHECKING:
    from rag.factory import Footnote  # the indexes' libraries take a second to import, and HTTP needs none


class FootnoteRetriever(BaseRetriever):
    """Passages of a collection as LangChain documents, best first.

    A document's ``page_content`` is the passage, its ``id`` the chunk's. Its ``metadata``: ``chunk_id``,
    ``document_id``, ``version``, ``title``, ``source_uri`` (once more as ``source``), ``language``, ``start``
    and ``end`` (offsets into the document's text), ``score``; ``page`` and ``heading`` where there are any.

    Searching raises:
        FootnoteError: the class that the error's code names, such as ``CollectionNotFound``,
            ``InvalidFilter`` or ``NotAuthorized``, also when it comes over HTTP.
        ConnectionError: nothing answers at ``url``, or something that is not Footnote.
        TimeoutError: no answer within ``timeout_s``.
    """

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    url: str = Field(default="http://127.0.0.1:8000", description="Where `footnote serve` answers.")
    api_key: SecretStr | None = Field(default=None, description="The server's key, if it has one.")
    collection: str | None = Field(default=None, description="Unset: the default collection.")
    k: int = Field(default=10, ge=1, le=100, description="Passages wanted.")
    mode: SearchMode = Field(default=SearchMode.HYBRID, description="hybrid, dense or keyword.")
    distinct: bool = Field(default=True, description="Show no text twice and no document alone.")
    filters: dict[str, Any] | None = Field(default=None, description="As docs/filters.md describes.")
    timeout_s: float = Field(default=60.0, gt=0, description="Seconds a search over HTTP may take.")
    _footnote: Footnote | None = PrivateAttr(default=None)
    _access: Access | None = PrivateAttr(default=None)

    @classmethod
    def of(cls, footnote: Footnote, *, access: Access | None = None, **fields: Any) -> Self:
        """A retriever over the parts of this process; ``fields`` are those of the class.

        Args:
            access: whose rights apply; unset: the local operator's, who may read every document.
        """
        retriever = cls(**fields)
        retriever._footnote = footnote
        retriever._access = access
        return retriever

    def _get_relevant_documents(
        self, query: str, *, run_manager: CallbackManagerForRetrieverRun
    ) -> list[Document]:
        if self._footnote is not None:
            return self._search_here(self._footnote, query)
        with _plain_errors(self.url), httpx.Client(**self._connection()) as client:
            return _documents(self.url, client.post("/v1/search", json=self._request(query)))

    async def _aget_relevant_documents(
        self, query: str, *, run_manager: AsyncCallbackManagerForRetrieverRun
    ) -> list[Document]:
        if self._footnote is not None:
            return await run_in_executor(None, self._search_here, self._footnote, query)
        with _plain_errors(self.url):
            async with httpx.AsyncClient(**self._connection()) as client:
                return _documents(self.url, await client.post("/v1/search", json=self._request(query)))

    def _search_here(self, footnote: Footnote, query: str) -> list[Document]:
        found = (footnote.distinct_retriever if self.distinct else footnote.retriever).retrieve(
            checked_question(query),
            collection=self.collection or footnote.settings.collection,
            k=self.k,
            access=self._access or Access.everything(),
            mode=self.mode,
            filters=None if self.filters is None else parse_filter(self.filters),
        )
        return [_document(PassageBody.of(passage)) for passage in found.passages]

    def _request(self, query: str) -> dict[str, Any]:
        fields = {"collection": self.collection, "filters": self.filters}
        return {
            "query": query,
            "k": self.k,
            "mode": self.mode,
            "distinct": self.distinct,
            **{name: value for name, value in fields.items() if value is not None},
        }

    def _connection(self) -> dict[str, Any]:
        key = self.api_key.get_secret_value() if self.api_key else None
        return {
            "base_url": self.url,
            "headers": {"Authorization": f"Bearer {key}"} if key else {},
            "timeout": self.timeout_s,
            "verify": _certificates(),
            "trust_env": not is_loopback(urlsplit(self.url).hostname or ""),  # no proxy leads to this machine
        }


@cache
def _certificates() -> ssl.SSLContext:
    """Read once: it takes longer than a search."""
    return httpx.create_ssl_context()


@cache
def _errors_by_code() -> dict[str, type[FootnoteError]]:
    return {kind.code: kind for kind in TABLE if not issubclass(kind, SourceError)}  # takes two arguments


@contextmanager
def _plain_errors(url: str) -> Iterator[None]:
    try:
        yield
    except httpx.TimeoutException as exc:
        raise TimeoutError(f"Footnote at {url} did not answer in time; give a longer timeout_s.") from exc
    except (httpx.TransportError, httpx.InvalidURL) as exc:
        raise ConnectionError(
            f"Nothing answers at {url} ({exc}); start `footnote serve` there, or give another url."
        ) from exc


def _documents(url: str, response: httpx.Response) -> list[Document]:
    try:
        if response.is_success:
            return [_document(passage) for passage in SearchBody.model_validate_json(response.text).results]
        problem = response.json()
        code, detail = str(problem["code"]), str(problem["detail"])
    except (ValidationError, ValueError, KeyError, TypeError) as exc:
        raise ConnectionError(
            f"What answers at {url} is not Footnote (status {response.status_code}); give another url."
        ) from exc
    raise _errors_by_code().get(code, FootnoteError)(detail)


def _document(passage: PassageBody) -> Document:
    metadata = passage.model_dump(mode="json", exclude={"text", "scores"})
    return Document(
        id=passage.chunk_id, page_content=passage.text, metadata={**metadata, "source": passage.source_uri}
    )
