"""What the doctor says of the language models: set up, reachable, and which ones this machine has already."""

from __future__ import annotations

import shlex
import socket
import urllib.request
from collections.abc import Iterator, Sequence
from urllib.parse import urlsplit, urlunsplit

from api.findings import Finding, Health
from rag.errors import ModelUnavailable
from rag.factory import Footnote
from rag.llm.addresses import address_of, speaks_openai
from rag.llm.local_servers import LocalServer, find_local_servers
from rag.llm.model_lists import OLLAMA_PATH, OPENAI_PATH, NoModelList, offered_models
from rag.llm.named import EXTRACTIVE, spec_of
from rag.llm.spec import LlmSpec
from rag.settings import Settings

TIMEOUT_SECONDS = 5
PART = "llm"
_SHOWN_MODELS = 5


def llm_findings(footnote: Footnote) -> Iterator[Finding]:
    """Every configured language model, or how to use one that runs here; none is asked anything."""
    settings = footnote.settings
    if settings.llm == EXTRACTIVE:
        message = "extractive: the best sentences themselves, no model."
        yield Finding(part=PART, health=Health.OK, message=message)
        yield from _local_servers()
    for name in _configured(settings):
        yield _one(footnote, name)
    if settings.query_expansion != "none":
        message = (
            f"Expands searches ({settings.query_expansion}), {settings.expansion_timeout_s:g} s at most."
        )
        yield Finding(part=PART, health=Health.OK, message=message)


def hint(server: LocalServer) -> tuple[str, str]:
    """What runs on this machine, and the command that answers with it."""
    shown = ", ".join(server.models[:_SHOWN_MODELS])
    more = len(server.models) - _SHOWN_MODELS
    message = f"{server.title} at {server.base_url} offers {shown}{f' and {more} more' if more > 0 else ''}."
    model = shlex.quote(f"openai:{server.models[0]}")
    return message, f"FOOTNOTE_LLM={model} FOOTNOTE_LLM_BASE_URL={server.base_url} footnote serve"


def _local_servers() -> Iterator[Finding]:
    for server in find_local_servers():
        message, command = hint(server)
        yield Finding(part=PART, health=Health.OK, message=message, next_step=f"use it: {command}")


def _configured(settings: Settings) -> Sequence[str]:
    names = dict.fromkeys([settings.llm, *settings.llm_fallbacks, *settings.llms])
    return [name for name in names if name != EXTRACTIVE]


def _one(footnote: Footnote, name: str) -> Finding:
    spec = spec_of(name, footnote.settings)
    shown = name if name == spec.model else f"{name} ({spec.model})"
    try:
        footnote.llms.alone(name)
        address = address_of(spec)
    except ModelUnavailable as exc:
        return Finding(part=PART, health=Health.PROBLEM, message=str(exc))
    if address is None:
        message = f"{shown} is set up; where it is called is up to its package."
        return Finding(part=PART, health=Health.OK, message=message)
    path = _list_path(spec)
    return _reached(shown, address) if path is None else _listed(shown, spec, address, path)


def _list_path(spec: LlmSpec) -> str | None:
    """Where a server of the user's own lists its models; a provider's is not sent a request."""
    if spec.provider == "ollama":
        return OLLAMA_PATH
    return OPENAI_PATH if spec.base_url and speaks_openai(spec) else None


def _listed(shown: str, spec: LlmSpec, address: str, path: str) -> Finding:
    url = _without_password(address)
    try:
        offered = offered_models(address.rstrip("/") + path, timeout_s=TIMEOUT_SECONDS, api_key=spec.api_key)
    except NoModelList as exc:
        if exc.status is None:
            return _unreachable(shown, url, str(exc))
        message = f"{shown}: {url} lists no models ({exc}); it may still work."
        next_step = "check the key and the URL"
        return Finding(part=PART, health=Health.WARNING, message=message, next_step=next_step)
    names = [model["name"] for model in offered]
    if names and spec.model_name not in {*names, *(name.removesuffix(":latest") for name in names)}:
        message = f"{shown}: {url} answers, but does not list {spec.model_name!r}."
        next_step = f"name one that it lists: {', '.join(names[:_SHOWN_MODELS])}"
        return Finding(part=PART, health=Health.WARNING, message=message, next_step=next_step)
    return Finding(part=PART, health=Health.OK, message=f"{shown}: {url} answers.")


def _reached(shown: str, address: str) -> Finding:
    url = urlsplit(address)
    host, port = url.hostname or "", url.port or (80 if url.scheme == "http" else 443)
    if url.scheme in urllib.request.getproxies() and not urllib.request.proxy_bypass(host):
        message = f"{shown} is set up; it is called through a proxy, which was not tried."
        return Finding(part=PART, health=Health.OK, message=message)
    try:
        socket.create_connection((host, port), timeout=TIMEOUT_SECONDS).close()
    except OSError as exc:
        return _unreachable(shown, _without_password(address), exc.strerror or type(exc).__name__)
    message = f"{shown} is set up, and {host} can be reached; it was asked nothing, to spend nothing."
    return Finding(part=PART, health=Health.OK, message=message)


def _unreachable(shown: str, url: str, reason: str) -> Finding:
    return Finding(
        part=PART,
        health=Health.PROBLEM,
        message=f"{shown}: {url} does not answer ({reason}).",
        next_step="start the server, or correct its address",
    )


def _without_password(address: str) -> str:
    url = urlsplit(address)
    return urlunsplit(url._replace(netloc=url.netloc.rpartition("@")[2]))
