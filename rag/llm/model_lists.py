"""Which models a server offers, in Ollama's words or in OpenAI's: one read-only request, no token spent."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from email.message import Message
from http.client import HTTPException
from typing import IO, Any
from urllib.parse import urlsplit

_LONGEST_LIST = 2_000_000
_LONGEST_NAME = 200

OLLAMA_PATH = "/api/tags"
OPENAI_PATH = "/models"


class NoModelList(Exception):
    """The server gave no list of models; the message is for people, ``status`` what it answered with."""

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """A key goes to the server it was given for, not to where that one points."""

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: Message, newurl: str
    ) -> None:
        return None


def offered_models(
    url: str, *, timeout_s: float, api_key: str | None = None, through_proxy: bool = True
) -> list[dict[str, Any]]:
    """The models' entries as the server lists them, each with its ``name`` added.

    Raises:
        NoModelList: the server cannot be reached, or answers with anything else.
    """
    if urlsplit(url).scheme not in ("http", "https"):
        raise NoModelList("its address is neither http nor https")
    request = urllib.request.Request(url)  # noqa: S310  # scheme checked above
    if api_key:
        request.add_header("Authorization", f"Bearer {api_key}")
    proxies = [] if through_proxy else [urllib.request.ProxyHandler({})]
    opener = urllib.request.build_opener(_NoRedirects, *proxies)
    try:
        with opener.open(request, timeout=timeout_s) as response:
            content = json.loads(response.read(_LONGEST_LIST))
    except urllib.error.HTTPError as exc:
        exc.close()
        raise NoModelList(f"it answers with status {exc.code}", exc.code) from exc
    except OSError as exc:
        reason = getattr(exc, "reason", exc)
        raise NoModelList(getattr(reason, "strerror", None) or type(reason).__name__) from exc
    except (ValueError, HTTPException) as exc:
        raise NoModelList("it answers with something else") from exc
    return _entries(content)


def _entries(content: Any) -> list[dict[str, Any]]:
    if isinstance(content, dict):
        content = content.get("models") or content.get("data") or []
    if not isinstance(content, list):
        raise NoModelList("it answers with something else")
    found = []
    for entry in content:
        name = entry.get("name") or entry.get("id") if isinstance(entry, dict) else None
        if isinstance(name, str) and name.isprintable() and 0 < len(name) <= _LONGEST_NAME:
            found.append({**entry, "name": name})
    return found
