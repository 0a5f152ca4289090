"""Google's Gemini models, with a key or on Vertex AI, by LangChain's one class for both."""

from __future__ import annotations

import os
from typing import Any

import httpx
from google.genai import Client
from google.genai.types import HttpOptions
from langchain_google_genai import ChatGoogleGenerativeAI
from pydantic import ConfigDict, model_validator

from rag.errors import ModelUnavailable

_GLOBAL = "global"
_GLOBAL_HOST = "https://aiplatform.googleapis.com"


class GeminiChatModel(ChatGoogleGenerativeAI):
    """Refuses an option that it does not know, which LangChain's class would send along."""

    model_config = ConfigDict(extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def build_extra(cls, values: dict[str, Any]) -> dict[str, Any]:
        """Leave them where they are found to be too many."""
        return values


def open_gemini(**arguments: Any) -> GeminiChatModel:
    """A model of the Gemini API."""
    return _asked_by_us(GeminiChatModel(**arguments, vertexai=False), api_key=arguments["api_key"])


def open_vertex(*, api_key: str | None, **arguments: Any) -> GeminiChatModel:
    """The model in a project, or with a key, which belongs to a project already.

    Without a key Google's client finds the credentials as all of its clients do: the file that
    ``GOOGLE_APPLICATION_CREDENTIALS`` names, those of ``gcloud auth application-default login``, or the
    machine's own.

    Raises:
        ModelUnavailable: neither is named.
    """
    project = arguments.pop("project", None) or os.environ.get("GOOGLE_CLOUD_PROJECT")
    location = arguments.pop("location", None) or os.environ.get("GOOGLE_CLOUD_LOCATION") or _GLOBAL
    if not project and not api_key:
        raise ModelUnavailable(
            f"The language model {arguments['model']!r} of Vertex AI belongs to no project: "
            f"set GOOGLE_CLOUD_PROJECT, or project in the options of its table in llms."
        )
    if location != _GLOBAL and arguments["base_url"].startswith(_GLOBAL_HOST):
        arguments["base_url"] = f"https://{location}-aiplatform.googleapis.com/v1"
    model = GeminiChatModel(**arguments, google_api_key=None, location=None, vertexai=True)
    if api_key:
        return _asked_by_us(model, api_key=api_key)
    return _asked_by_us(model, project=project, location=location, credentials=model.credentials)


def _asked_by_us(model: GeminiChatModel, **who: Any) -> GeminiChatModel:
    """The model with a client of Google's that is told everything.

    The class's own client lets Google's environment variables change key and service, and speaks through
    another HTTP library where that happens to be installed.
    """
    given = model.client_args or {}
    model.client = Client(
        vertexai=model.vertexai,
        http_options=HttpOptions(
            base_url=str(model.base_url),
            api_version=model.api_version,
            headers=model.additional_headers,
            client_args=given,
            httpx_async_client=httpx.AsyncClient(**given),
        ),
        **who,
    )
    return model
