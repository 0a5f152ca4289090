"""Wires everything from one :class:`Settings`; below it every object receives plain values."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from rag.answering.answerability import CalibratedAnswerabilityJudge
from rag.answering.answerer import Answerer
from rag.answering.citing import SpanCitationMatcher
from rag.answering.evidence import SentenceScorer
from rag.answering.extractive import ExtractiveGenerator
from rag.conversation.conversations import Conversations
from rag.conversation.rewriting import MAX_TOKENS, CarryOverRewriter, LlmRewriter
from rag.domain import Collection
from rag.embedding.query_embedding import QueryEmbedder
from rag.embedding.tuned_models import is_tuned, tuned_folder
from rag.errors import (
    CollectionExists,
    CollectionNotFound,
    EmbeddingMismatch,
    ModelUnavailable,
)
from rag.grounding.opening import CheckerParts, open_checker
from rag.index.device.placing import GpuPlacement
from rag.index.generations import CollectionIndexes
from rag.interfaces import (
    AnswerabilityJudge,
    Catalog,
    Embedder,
    Generator,
    GroundednessChecker,
    QuestionRewriter,
    Reranker,
    Retriever,
)
from rag.llm.named import EXTRACTIVE
from rag.llm.opening import LanguageModels
from rag.parts import Parts
from rag.retrieval.beside import Beside
from rag.retrieval.distinct import DistinctRetriever
from rag.retrieval.encoder_scale import MeasuredEncoders
from rag.retrieval.expansion import EXPANSIONS, ExpandingRetriever, LlmExpander
from rag.retrieval.hybrid import HybridRetriever
from rag.retrieval.reranking import NoReranker, RerankingRetriever
from rag.retrieval.result_cache import CachingRetriever
from rag.settings import Settings
from rag.store.catalog import open_catalog

NO_RERANKER = "none"

_CATALOG = "catalog"
_RERANKER = "reranker"


class Footnote:
    """All parts, opened on first use and shared afterwards; safe to use from several threads.

    Attributes:
        embedding_model: the setting as collections record it, good in any working directory.
        llms: the language models by name, the extractive answerer among them.

    Args:
        embedder: used instead of the configured model.
        embedders: further embedding models by name, for collections that were made with them.
        generators: further generators by name.
        reranker: used instead of the configured one.

    Raises:
        SettingsError: a prompt template cannot be used.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        embedder: Embedder | None = None,
        embedders: Mapping[str, Embedder] | None = None,
        generators: Mapping[str, Generator] | None = None,
        reranker: Reranker | None = None,
    ) -> None:
        self.settings = settings
        self.embedding_model = _lasting_name(settings.embedding_model)
        given: dict[str, Any] = {_embedder_part(name): given for name, given in (embedders or {}).items()}
        if embedder is not None:
            given[_embedder_part(self.embedding_model)] = embedder
        if reranker is not None:
            given[_RERANKER] = reranker
        self._parts = Parts(given)
        self.llms = LanguageModels(
            settings,
            parts=self._parts,
            given=generators or {},
            extractive=lambda: ExtractiveGenerator(self.scorer),
        )
        self._loading = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def with_settings(self, **changes: Any) -> Footnote:
        """Another Footnote, some settings changed, with this one's models; closed by whoever asked for it."""
        return Footnote(
            self.settings.model_copy(update=changes),
            embedder=self.embedder,
            generators=self.llms.given,
            reranker=self._parts.opened().get(_RERANKER),
        )

    @property
    def catalog(self) -> Catalog:
        """The catalog, migrated to the current schema."""
        return self._parts.shared(_CATALOG, self._open_catalog)

    @property
    def embedder(self) -> Embedder:
        """The embedding model of the settings, loaded: for new collections, and to score sentences."""
        return self._embedder(self.embedding_model)

    @property
    def encoders(self) -> MeasuredEncoders:
        """How the embedding models' cosines are read."""
        return self._parts.shared("encoders", lambda: MeasuredEncoders(share=self.settings.dense_weight))

    def embedder_for(self, collection: Collection) -> Embedder:
        """The embedding model that made the collection's vectors, loaded.

        Raises:
            ModelUnavailable: it cannot be loaded any more.
            EmbeddingMismatch: what is found under its name is another model now.
        """
        name = collection.embedding_model or self.embedding_model
        undo = (
            f"tune {collection.name} --undo" if is_tuned(name) else f"collections reembed {collection.name}"
        )
        way_out = f"`footnote {undo}` embeds it anew with the model of the settings"
        try:
            embedder = self._embedder(name)
        except ModelUnavailable as exc:
            raise ModelUnavailable(
                f"The collection {collection.name!r} was embedded with {name}, "
                f"which cannot be loaded any more ({exc}) Give the model back; or {way_out}."
            ) from exc
        if embedder.profile.fingerprint != collection.fingerprint:
            raise EmbeddingMismatch.between(collection, embedder.profile.fingerprint, way_out)
        return embedder

    def model_for(self, collection: Collection) -> tuple[Embedder, str]:
        """The model that embeds further documents of the collection, and the setting that loads it.

        That is the collection's own if it was tuned, otherwise that of the settings.

        Raises:
            ModelUnavailable, EmbeddingMismatch: the tuned model is not there any more.
        """
        if is_tuned(collection.embedding_model):
            return self.embedder_for(collection), collection.embedding_model
        return self.embedder, self.embedding_model

    def embedder_named(self, name: str) -> Embedder:
        """The embedding model of that setting, loaded. Raises: ModelUnavailable."""
        return self._embedder(name)

    def query_embedder_for(self, collection: Collection) -> Embedder:
        """The same model for questions: those that wait are embedded together. Raises: as embedder_for."""
        return self._for_queries(self.embedder_for(collection))

    @property
    def indexes(self) -> CollectionIndexes:
        """The collections' indexes."""
        settings = self.settings
        gpu = self._parts.shared(
            "gpu",
            lambda: GpuPlacement(settings.device, settings.device_memory_mb, settings.device_index),
        )
        return self._parts.shared(
            "indexes",
            lambda: CollectionIndexes(settings.data_dir / "indexes", self.catalog, place=gpu.place),
        )

    @property
    def distinct_retriever(self) -> Retriever:
        """The retriever that answers are written from: no text twice, no document alone."""
        return DistinctRetriever(self.retriever, per_document=self.settings.passages_per_document)

    @property
    def retriever(self) -> Retriever:
        """Hybrid retrieval, with what is configured of query expansion and reranking.

        Raises:
            ModelUnavailable: one of their models cannot be set up.
        """
        return self._parts.shared("retriever", self._open_retriever)

    @property
    def reranker(self) -> Reranker:
        """The configured reranker, loaded. Raises: ModelUnavailable."""
        return self._parts.shared(_RERANKER, self._open_reranker)

    def rewriter_for(self, llm: str) -> QuestionRewriter:
        """Makes follow-up questions stand alone; by ``llm``, unless that is the extractive answerer.

        Raises:
            ModelUnavailable: the language model cannot be set up.
        """
        if llm == EXTRACTIVE:
            return CarryOverRewriter()
        return self._parts.shared(
            f"rewriter {llm}",
            lambda: LlmRewriter(
                self.llms.brief(llm, max_tokens=MAX_TOKENS, timeout_s=self.settings.expansion_timeout_s),
                fallback=CarryOverRewriter(),
            ),
        )

    @property
    def conversations(self) -> Conversations:
        """Opens the conversations that questions are asked in."""
        settings = self.settings
        return Conversations(
            self.catalog,
            collection=settings.collection,
            kept=timedelta(days=settings.conversation_days),
            turns=settings.conversation_turns,
            tokens=settings.conversation_tokens,
        )

    @property
    def scorer(self) -> SentenceScorer:
        """Sentence scores shared by the judge and the extractive answerer."""
        return self._parts.shared("scorer", lambda: SentenceScorer(self._for_queries(self.embedder)))

    def answerer(
        self, llm: str | None = None, *, fallbacks: bool = True, judge: AnswerabilityJudge | None = None
    ) -> Answerer:
        """The answer path with the generator named ``llm`` (default: the configured one).

        Args:
            fallbacks: whether others answer when it does not; who measures one model wants to know of it.
            judge: used instead of the calibrated one.

        Raises:
            InvalidRequest, ModelUnavailable: no such generator, or it cannot be set up.
        """
        settings = self.settings
        name = llm or settings.llm
        return Answerer(
            retriever=self.distinct_retriever,
            judge=judge or CalibratedAnswerabilityJudge(self.scorer),
            generator=self.llms.chain(name) if fallbacks else self.llms.alone(name),
            citer=SpanCitationMatcher(self.embedder),
            checker=self.checker(),
            rewriter=self.rewriter_for(name),
            k=settings.k,
            prompts=self.llms.prompts_for(name),
            policy=settings.grounding_policy,
            starts_early=settings.llm_starts_early and name != EXTRACTIVE,
        )

    def checker(self, name: str | None = None) -> GroundednessChecker:
        """The groundedness checker ``name`` (default: the configured one).

        Raises:
            InvalidRequest: unknown name; the message lists the known ones.
            ModelUnavailable: its model cannot be set up.
        """
        name = name or self.settings.checker
        return self._parts.shared(f"checker {name}", lambda: open_checker(name, self._checker_parts()))

    def _checker_parts(self) -> CheckerParts:
        return CheckerParts(
            settings=self.settings,
            language_model=lambda name, max_tokens, timeout_s: self.llms.brief(
                name, max_tokens=max_tokens, timeout_s=timeout_s
            ),
        )

    def open_collection(self, name: str) -> Collection:
        """The collection ``name``, made if it is not there; it may be of another model than the settings'."""
        try:
            return self.catalog.collection(name)
        except CollectionNotFound:
            try:
                return self.create_collection(name)
            except CollectionExists:  # another process was faster
                return self.catalog.collection(name)

    def create_collection(self, name: str) -> Collection:
        """An empty collection for the embedding model of the settings. Raises: CollectionExists."""
        return self.catalog.create_collection(
            name, self.embedder.profile, embedding_model=self.embedding_model
        )

    def close(self) -> None:
        """End the search threads, and release the GPU's memory and the catalog's connections."""
        for name, part in self._parts.opened().items():
            if isinstance(part, QueryEmbedder | Beside | GpuPlacement) or name == _CATALOG:
                self._parts.forget(name)
                part.close()

    def _open_catalog(self) -> Catalog:
        self.settings.data_dir.mkdir(parents=True, exist_ok=True)
        return open_catalog(self.settings.sqlalchemy_url)

    def _open_retriever(self) -> Retriever:
        found: Retriever = self._parts.shared("hybrid retriever", self._open_hybrid_retriever)
        if self.settings.cached_searches:
            size = self.settings.cached_searches
            found = CachingRetriever(found, catalog=self.catalog, indexes=self.indexes, size=size)
        kind = EXPANSIONS.get(self.settings.query_expansion)
        if kind is not None:
            llm = self.llms.brief(
                self.settings.llm,
                max_tokens=kind.max_tokens,
                timeout_s=self.settings.expansion_timeout_s,
            )
            found = ExpandingRetriever(found, LlmExpander(llm, kind))
        if not isinstance(self.reranker, NoReranker):
            found = RerankingRetriever(found, self.reranker, candidates=self.settings.rerank_candidates)
        return found

    def _open_hybrid_retriever(self) -> HybridRetriever:
        return HybridRetriever(
            catalog=self.catalog,
            indexes=self.indexes,
            embedder_for=self.query_embedder_for,
            beside=self._parts.shared("beside", lambda: Beside("keyword")),
            encoders=self.encoders,
        )

    def _open_reranker(self) -> Reranker:
        settings = self.settings
        if settings.reranker == NO_RERANKER:
            return NoReranker()
        from rag.retrieval.cross_encoder import CrossEncoderReranker  # torch takes seconds to import

        with self._loading:
            return CrossEncoderReranker(
                settings.reranker,
                device=settings.device,
                precision=settings.precision,
                threads=settings.threads,
            )

    def _for_queries(self, embedder: Embedder) -> Embedder:
        return self._parts.shared(
            f"questions {embedder.profile.fingerprint}",
            lambda: QueryEmbedder(embedder, cached=self.settings.cached_searches),
        )

    def _embedder(self, name: str) -> Embedder:
        def load() -> Embedder:
            with self._loading:  # the libraries behind it load one model at a time
                return self._load_embedder(name)

        return self._parts.shared(_embedder_part(name), load)

    def _load_embedder(self, name: str) -> Embedder:
        from rag.embedding.backends import load_embedder  # torch takes seconds to import

        return load_embedder(
            str(tuned_folder(self.settings.data_dir, name)) if is_tuned(name) else name,
            backend=self.settings.embedding_backend,
            device=self.settings.device,
            precision=self.settings.precision,
            threads=self.settings.threads,
        )


def _lasting_name(model: str) -> str:
    folder = Path(model).expanduser()
    is_default = model == Settings.model_fields["embedding_model"].default
    return str(folder.resolve()) if folder.is_dir() and not is_default else model


def _embedder_part(name: str) -> str:
    return f"embedder {name}"
