"""Opens groundedness checkers by name, with the settings; one table holds them all."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rag.errors import InvalidRequest
from rag.grounding.lexical_checker import lexical_checker
from rag.grounding.llm_checker import MAX_TOKENS, llm_checker
from rag.interfaces import Generator, GroundednessChecker
from rag.llm.named import EXTRACTIVE

if TYPE_CHECKING:
    from rag.settings import Settings


@dataclass(frozen=True, kw_only=True)
class CheckerParts:
    """What checkers are made of; each part is opened only by the checker that needs it.

    Attributes:
        language_model: gives the model of that name, for replies of so many tokens within so many seconds.
    """

    settings: Settings
    language_model: Callable[[str, int, float], Generator]


@dataclass(frozen=True, kw_only=True)
class CheckerKind:
    """A row of :data:`CHECKERS`.

    Attributes:
        open: from the parts and what stands behind the colon (empty without one) to the checker.
        argument: what may stand behind the colon; empty where nothing may.
        needs_argument: whether something must.
    """

    open: Callable[[CheckerParts, str], GroundednessChecker]
    argument: str = ""
    needs_argument: bool = False

    def shown(self, name: str) -> str:
        """How it is named in settings."""
        if self.needs_argument:
            return f"{name}:{self.argument}"
        return f"{name}, {name}:{self.argument}" if self.argument else name


def _local(_: CheckerParts, __: str) -> GroundednessChecker:
    from rag.grounding.local.loading import open_local_checker  # torch takes seconds to import

    return open_local_checker()


def _lexical(_: CheckerParts, __: str) -> GroundednessChecker:
    return lexical_checker()


def _llm(parts: CheckerParts, argument: str) -> GroundednessChecker:
    name = argument or parts.settings.llm
    if name == EXTRACTIVE:
        raise InvalidRequest(
            f"The checker 'llm' asks a language model, and the setting 'llm' is {EXTRACTIVE}; "
            f"set FOOTNOTE_LLM, or name the model that checks, as llm:provider:model."
        )
    generator = parts.language_model(name, MAX_TOKENS, parts.settings.checker_timeout_s)
    return llm_checker(generator, name=f"llm:{argument}" if argument else "llm")


def _model(kind: str) -> Callable[[CheckerParts, str], GroundednessChecker]:
    def open_model(parts: CheckerParts, argument: str) -> GroundednessChecker:
        from rag.grounding.claim_model import ClaimModel  # torch takes seconds to import
        from rag.grounding.hub_checker import model_checker

        settings = parts.settings
        model = ClaimModel(
            argument,
            labels=settings.checker_labels,
            claim_first=settings.checker_pair == "claim_first",
            max_tokens=settings.checker_max_tokens,
            device=settings.device,
            precision=settings.precision,
            threads=settings.threads,
        )
        return model_checker(
            f"{kind}:{argument}",
            model,
            threshold=settings.checker_threshold,
            template=settings.checker_template,
        )

    return open_model


CHECKERS: Mapping[str, CheckerKind] = {
    "local": CheckerKind(open=_local),
    "lexical": CheckerKind(open=_lexical),
    "llm": CheckerKind(open=_llm, argument="NAME"),
    "nli": CheckerKind(open=_model("nli"), argument="MODEL", needs_argument=True),
    "hub": CheckerKind(open=_model("hub"), argument="MODEL", needs_argument=True),
}
"""Groundedness checkers by what stands before the colon of their names."""


def open_checker(name: str, parts: CheckerParts) -> GroundednessChecker:
    """The checker ``name``, loaded.

    Raises:
        InvalidRequest: there is none of that name, or it asks a language model and none is set.
        ModelUnavailable: its model cannot be loaded.
    """
    kind, colon, argument = name.partition(":")
    row = CHECKERS.get(kind)
    if row is None or (colon and not (row.argument and argument)) or (row.needs_argument and not argument):
        raise InvalidRequest(f"There is no checker {name!r}; known are {known_checkers()}.")
    return row.open(parts, argument)


def known_checkers() -> str:
    """The names of all checkers, for people."""
    return ", ".join(row.shown(name) for name, row in CHECKERS.items())


def check_requested(name: str, settings: Settings) -> None:
    """Refuse a name by which a caller would have a file, a hub model or a provider of its choice loaded.

    Raises:
        InvalidRequest: neither the configured checker, nor one of those without a model of their own, nor
            ``llm:NAME`` with a name of the setting ``llms``.
    """
    kind, _, argument = name.partition(":")
    if name == settings.checker or not argument or (kind == "llm" and argument in settings.llms):
        return
    offered = [settings.checker, *(each for each, row in CHECKERS.items() if not row.needs_argument)]
    offered += [f"llm:{each}" for each in settings.llms]
    raise InvalidRequest(
        f"A request cannot name the checker {name!r}, only {', '.join(dict.fromkeys(offered))}; "
        f"others are for the server's settings."
    )
