"""Wires everything from one :class:`Settings`; below it every object receives plain values."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

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
from rag.llm.circuit_breaker import CircuitBreaker
from rag.llm.fallback import FallbackGenerator
from rag.llm.named import EXTRACTIVE, spec_of
from rag.llm.spec import LlmSpec
from rag.prompting.building import PromptBuilder
from rag.prompting.datamarking import Datamarking
from rag.prompting.templates import load_templates
from rag.retrieval.beside import Beside
from rag.retrieval.distinct import DistinctRetriever
from rag.retrieval.encoder_scale import MeasuredEncoders
from rag.retrieval.expansion import EXPANSIONS, ExpandingRetriever, LlmExpander
from rag.retrieval.hybrid import HybridRetriever
from rag.retrieval.reranking import NoReranker, RerankingRetriever
from rag.retrieval.result_cache import CachingRetriever
from rag.settings import Settings
from rag.store.catalog import open_catalog

T = TypeVar("T")

NO_RERANKER = "none"

_BREAKER = "breaker "


class Footnote:
    """All parts, opened on first use and shared afterwards; safe to use from several threads.

    Attributes:
        embedding_model: the setting as collections record it, good in any working directory.

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
        self._templates = load_templates(settings.prompt_templates)
        self._generators = dict(generators or {})
        self._parts: dict[str, Any] = {
            _embedder_part(name): given for name, given in (embedders or {}).items()
        }
        if embedder is not None:
            self._parts[_embedder_part(self.embedding_model)] = embedder
        if reranker is not None:
            self._parts["reranker"] = reranker
        self._guard = threading.Lock()
        self._locks: dict[str, threading.RLock] = {}
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
            generators=self._generators,
            reranker=self._parts.get("reranker"),
        )

    @property
    def catalog(self) -> Catalog:
        """The catalog, migrated to the current schema."""
        return self._shared("catalog", self._open_catalog)

    @property
    def embedder(self) -> Embedder:
        """The embedding model of the settings, loaded: for new collections, and to score sentences."""
        return self._embedder(self.embedding_model)

    @property
    def encoders(self) -> MeasuredEncoders:
        """How the embedding models' cosines are read."""
        return self._shared("encoders", lambda: MeasuredEncoders(share=self.settings.dense_weight))

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
        gpu = self._shared(
            "gpu",
            lambda: GpuPlacement(settings.device, settings.device_memory_mb, settings.device_index),
        )
        return self._shared(
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
        return self._shared("retriever", self._open_retriever)

    @property
    def reranker(self) -> Reranker:
        """The configured reranker, loaded. Raises: ModelUnavailable."""
        return self._shared("reranker", self._open_reranker)

    def rewriter_for(self, llm: str) -> QuestionRewriter:
        """Makes follow-up questions stand alone; by ``llm``, unless that is the extractive answerer.

        Raises:
            ModelUnavailable: the language model cannot be set up.
        """
        if llm == EXTRACTIVE:
            return CarryOverRewriter()
        return self._shared(
            f"rewriter {llm}",
            lambda: LlmRewriter(
                self._brief_llm(MAX_TOKENS, self.settings.expansion_timeout_s, llm),
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
        return self._shared("scorer", lambda: SentenceScorer(self._for_queries(self.embedder)))

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
            generator=self.generator(name) if fallbacks else self.language_model(name),
            citer=SpanCitationMatcher(self.embedder),
            checker=self.checker(),
            rewriter=self.rewriter_for(name),
            k=settings.k,
            prompts=self.prompts_for(name),
            policy=settings.grounding_policy,
            starts_early=settings.llm_starts_early and name != EXTRACTIVE,
        )

    def prompts_for(self, name: str) -> PromptBuilder:
        """Builds the prompts of the model ``name``, counted with its own tokenizer if that is here."""
        return self._shared(f"prompts {name}", lambda: self._open_prompts(name))

    def generator(self, name: str) -> Generator:
        """``extractive``, or a language model (a name of ``llms``, or ``provider:model``) and its fallbacks.

        Raises:
            InvalidRequest, ModelUnavailable: no such model, or it or a fallback cannot be set up.
        """
        return self._shared(f"generator {name}", lambda: self._open_chain(name))

    def language_model(self, name: str) -> Generator:
        """The same without fallbacks: what it cannot answer, nobody does."""
        given = self._generators.get(name)
        return given or self._shared(f"language model {name}", lambda: self._open_generator(name))

    def open_llms(self) -> None:
        """Set up every configured language model, so that a mistake is known before the first question.

        Raises:
            ModelUnavailable: a package or a key is missing.
        """
        settings = self.settings
        for name in {settings.llm, *settings.llm_fallbacks, *settings.llms} - {EXTRACTIVE}:
            self.language_model(name)

    @property
    def breakers(self) -> Mapping[str, CircuitBreaker]:
        """Those of the language models that were set up so far, by name."""
        parts = [*self._parts.items()]
        return {name.removeprefix(_BREAKER): part for name, part in parts if name.startswith(_BREAKER)}

    def checker(self, name: str | None = None) -> GroundednessChecker:
        """The groundedness checker ``name`` (default: the configured one).

        Raises:
            InvalidRequest: unknown name; the message lists the known ones.
            ModelUnavailable: its model cannot be set up.
        """
        name = name or self.settings.checker
        return self._shared(f"checker {name}", lambda: open_checker(name, self._checker_parts()))

    def _checker_parts(self) -> CheckerParts:
        return CheckerParts(
            settings=self.settings,
            language_model=lambda name, max_tokens, timeout_s: self._brief_llm(max_tokens, timeout_s, name),
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
        for name, part in [*self._parts.items()]:
            if isinstance(part, QueryEmbedder | Beside | GpuPlacement) or name == "catalog":
                del self._parts[name]
                part.close()

    def _shared(self, name: str, build: Callable[[], T]) -> T:
        """The part ``name``, built at its first use, by one thread; the others are at hand meanwhile."""
        with self._guard:
            lock = self._locks.setdefault(name, threading.RLock())
        with lock:
            part: T | None = self._parts.get(name)
            if part is None:
                part = self._parts[name] = build()
            return part

    def _open_catalog(self) -> Catalog:
        self.settings.data_dir.mkdir(parents=True, exist_ok=True)
        return open_catalog(self.settings.sqlalchemy_url)

    def _open_retriever(self) -> Retriever:
        found: Retriever = self._shared("hybrid retriever", self._open_hybrid_retriever)
        if self.settings.cached_searches:
            size = self.settings.cached_searches
            found = CachingRetriever(found, catalog=self.catalog, indexes=self.indexes, size=size)
        kind = EXPANSIONS.get(self.settings.query_expansion)
        if kind is not None:
            llm = self._brief_llm(kind.max_tokens, self.settings.expansion_timeout_s)
            found = ExpandingRetriever(found, LlmExpander(llm, kind))
        if not isinstance(self.reranker, NoReranker):
            found = RerankingRetriever(found, self.reranker, candidates=self.settings.rerank_candidates)
        return found

    def _open_hybrid_retriever(self) -> HybridRetriever:
        return HybridRetriever(
            catalog=self.catalog,
            indexes=self.indexes,
            embedder_for=self.query_embedder_for,
            beside=self._shared("beside", lambda: Beside("keyword")),
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
        return self._shared(
            f"questions {embedder.profile.fingerprint}",
            lambda: QueryEmbedder(embedder, cached=self.settings.cached_searches),
        )

    def _embedder(self, name: str) -> Embedder:
        def load() -> Embedder:
            with self._loading:  # the libraries behind it load one model at a time
                return self._load_embedder(name)

        return self._shared(_embedder_part(name), load)

    def _load_embedder(self, name: str) -> Embedder:
        from rag.embedding.backends import load_embedder  # torch takes seconds to import

        return load_embedder(
            str(tuned_folder(self.settings.data_dir, name)) if is_tuned(name) else name,
            backend=self.settings.embedding_backend,
            device=self.settings.device,
            precision=self.settings.precision,
            threads=self.settings.threads,
        )

    def _open_chain(self, name: str) -> Generator:
        if name == EXTRACTIVE:
            return self.language_model(name)
        last = [EXTRACTIVE] if self.settings.extractive_fallback else []
        names = dict.fromkeys([name, *self.settings.llm_fallbacks, *last])
        return FallbackGenerator([self.language_model(each) for each in names])

    def _open_generator(self, name: str) -> Generator:
        if name == EXTRACTIVE:
            return ExtractiveGenerator(self.scorer)
        return self._open_llm(spec_of(name, self.settings), breaker=f"{_BREAKER}{name}")

    def _brief_llm(self, max_tokens: int, timeout_s: float, name: str | None = None) -> Generator:
        """A language model (default: the configured one), for short texts that somebody waits for.

        What needs them does without when the model fails, so there are no fallbacks; and its failures are
        counted apart, because a model too slow for this may still be good for answers.
        """
        name = name or self.settings.llm
        if name in self._generators:
            return self._generators[name]
        spec = spec_of(name, self.settings)
        brief = replace(spec, max_tokens=max_tokens, timeout_s=min(timeout_s, spec.timeout_s))
        return self._open_llm(brief, breaker=f"brief breaker {name}")

    def _open_prompts(self, name: str) -> PromptBuilder:
        settings = self.settings
        if name == EXTRACTIVE or name in self._generators:
            off = name == EXTRACTIVE  # nothing in the passages instructs it
            return PromptBuilder(
                budget_tokens=settings.prompt_tokens,
                templates=self._templates,
                datamarking=Datamarking.OFF if off else settings.datamarking,
            )
        from rag.llm.token_counting import token_counter  # its library takes a while to import

        return PromptBuilder(
            budget_tokens=settings.prompt_tokens,
            templates=self._templates,
            counter=token_counter(spec_of(name, settings).model_name),
            datamarking=settings.datamarking,
        )

    def _open_llm(self, spec: LlmSpec, *, breaker: str) -> Generator:
        from rag.llm.chat_model import open_chat_model  # LangChain takes a second to import

        settings = self.settings
        shared = self._shared(
            breaker,
            lambda: CircuitBreaker(
                spec.name, failures=settings.llm_breaker_failures, rest_s=settings.llm_breaker_rest_s
            ),
        )
        try:
            return open_chat_model(spec, attempts=settings.llm_attempts, breaker=shared)
        except ModelUnavailable as exc:
            if spec.name not in settings.llms:
                raise
            raise ModelUnavailable(f"llms.{spec.name}: {exc}") from exc


def _lasting_name(model: str) -> str:
    folder = Path(model).expanduser()
    is_default = model == Settings.model_fields["embedding_model"].default
    return str(folder.resolve()) if folder.is_dir() and not is_default else model


def _embedder_part(name: str) -> str:
    return f"embedder {name}"
