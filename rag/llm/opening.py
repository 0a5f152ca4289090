"""Language models by name, each opened once, with their fallbacks, circuit breakers and prompts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from rag.errors import ModelUnavailable
from rag.interfaces import Generator
from rag.llm.circuit_breaker import CircuitBreaker
from rag.llm.fallback import FallbackGenerator
from rag.llm.named import EXTRACTIVE, spec_of
from rag.llm.spec import LlmSpec
from rag.parts import Parts
from rag.prompting.building import PromptBuilder
from rag.prompting.datamarking import Datamarking
from rag.prompting.templates import load_templates
from rag.settings import Settings

_BREAKER = "breaker "


class LanguageModels:
    """The language models that the settings name, and the extractive answerer among them.

    Attributes:
        given: generators by name, used instead of those of the settings.

    Args:
        parts: where what was opened is kept.
        extractive: opens the answerer that quotes.

    Raises:
        SettingsError: a prompt template cannot be used.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        parts: Parts,
        given: Mapping[str, Generator],
        extractive: Callable[[], Generator],
    ) -> None:
        self.given = dict(given)
        self._settings = settings
        self._parts = parts
        self._extractive = extractive
        self._templates = load_templates(settings.prompt_templates)

    def chain(self, name: str) -> Generator:
        """``extractive``, or a language model (a name of ``llms``, or ``provider:model``) and its fallbacks.

        Raises:
            InvalidRequest, ModelUnavailable: no such model, or it or a fallback cannot be set up.
        """
        return self._parts.shared(f"generator {name}", lambda: self._open_chain(name))

    def alone(self, name: str) -> Generator:
        """The same without fallbacks: what it cannot answer, nobody does."""
        given = self.given.get(name)
        return given or self._parts.shared(f"language model {name}", lambda: self._open_alone(name))

    def brief(self, name: str, *, max_tokens: int, timeout_s: float) -> Generator:
        """The language model ``name``, for short texts that somebody waits for.

        What needs them does without when the model fails, so there are no fallbacks; and its failures are
        counted apart, because a model too slow for this may still be good for answers.
        """
        if name in self.given:
            return self.given[name]
        spec = spec_of(name, self._settings)
        brief = replace(spec, max_tokens=max_tokens, timeout_s=min(timeout_s, spec.timeout_s))
        return self._open(brief, breaker=f"brief breaker {name}")

    def open_all(self) -> None:
        """Set up every configured language model, so that a mistake is known before the first question.

        Raises:
            ModelUnavailable: a package or a key is missing.
        """
        settings = self._settings
        for name in {settings.llm, *settings.llm_fallbacks, *settings.llms} - {EXTRACTIVE}:
            self.alone(name)

    @property
    def breakers(self) -> Mapping[str, CircuitBreaker]:
        """Those of the language models that were set up so far, by name."""
        return self._parts.opened(_BREAKER)

    def prompts_for(self, name: str) -> PromptBuilder:
        """Builds the prompts of the model ``name``, counted with its own tokenizer if that is here."""
        return self._parts.shared(f"prompts {name}", lambda: self._open_prompts(name))

    def _open_chain(self, name: str) -> Generator:
        if name == EXTRACTIVE:
            return self.alone(name)
        last = [EXTRACTIVE] if self._settings.extractive_fallback else []
        names = dict.fromkeys([name, *self._settings.llm_fallbacks, *last])
        return FallbackGenerator([self.alone(each) for each in names])

    def _open_alone(self, name: str) -> Generator:
        if name == EXTRACTIVE:
            return self._extractive()
        return self._open(spec_of(name, self._settings), breaker=f"{_BREAKER}{name}")

    def _open(self, spec: LlmSpec, *, breaker: str) -> Generator:
        from rag.llm.chat_model import open_chat_model  # LangChain takes a second to import

        settings = self._settings
        shared = self._parts.shared(
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

    def _open_prompts(self, name: str) -> PromptBuilder:
        settings = self._settings
        if name == EXTRACTIVE or name in self.given:
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
