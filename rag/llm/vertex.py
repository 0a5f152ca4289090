"""Gemini models on Google's Vertex AI: the same protocol, with a project and its credentials."""

from __future__ import annotations

import os
import threading
from typing import Any

import google.auth
import google.auth.transport.requests
from pydantic import PrivateAttr

from rag.errors import ModelUnavailable
from rag.llm.gemini import GeminiChatModel

_SCOPE = "https://www.googleapis.com/auth/cloud-platform"
_GLOBAL = "global"
_GLOBAL_HOST = "https://aiplatform.googleapis.com"


def open_vertex(**arguments: Any) -> VertexChatModel:
    """The model in a project, or with a key, which belongs to a project already.

    Raises:
        ModelUnavailable: neither is named.
    """
    project = arguments.pop("project", None) or os.environ.get("GOOGLE_CLOUD_PROJECT")
    location = arguments.pop("location", None) or os.environ.get("GOOGLE_CLOUD_LOCATION") or _GLOBAL
    if not project and not arguments["api_key"]:
        raise ModelUnavailable(
            f"The language model {arguments['model']!r} of Vertex AI belongs to no project: "
            f"set GOOGLE_CLOUD_PROJECT, or project in the options of its table in llms."
        )
    if location != _GLOBAL and arguments["base_url"].startswith(_GLOBAL_HOST):
        arguments["base_url"] = f"https://{location}-aiplatform.googleapis.com/v1"
    return VertexChatModel(**arguments, project=project, location=location)


class VertexChatModel(GeminiChatModel):
    """A model of Google's.

    Without a key it finds the credentials as all of Google's clients do: the file that
    ``GOOGLE_APPLICATION_CREDENTIALS`` names, those of ``gcloud auth application-default login``, or the
    machine's own.
    """

    project: str | None
    location: str
    _credentials: Any = PrivateAttr(default=None)
    _lock: threading.Lock = PrivateAttr(default_factory=threading.Lock)

    @property
    def _llm_type(self) -> str:
        return "google-vertexai"

    def path(self) -> str:
        """Below the project and location; a key needs neither."""
        model = self.model if "/" in self.model else f"publishers/google/models/{self.model}"
        return model if self.api_key else f"projects/{self.project}/locations/{self.location}/{model}"

    def authorization(self) -> dict[str, str]:
        """The key, or the token of the credentials."""
        return super().authorization() or {"authorization": f"Bearer {self._token()}"}

    def _token(self) -> str:
        """A token of access, fetched anew shortly before it expires."""
        with self._lock:
            if self._credentials is None:
                self._credentials, _ = google.auth.default(scopes=[_SCOPE])
            if not self._credentials.valid:
                self._credentials.refresh(google.auth.transport.requests.Request())
            return str(self._credentials.token)
