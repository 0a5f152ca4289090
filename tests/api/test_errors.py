"""Every failure is a problem object, from one complete table."""

from __future__ import annotations

import importlib
import logging
import pkgutil

import pytest

from api.errors import INTERNAL_DETAIL, TABLE, problem_of
from rag.errors import DocumentNotFound, FootnoteError, GenerationFailed


def every_error(kind: type[FootnoteError] = FootnoteError) -> set[type[FootnoteError]]:
    return {kind}.union(*(every_error(child) for child in kind.__subclasses__()))


EXTRAS = {"mlflow", "wandb"}
"""Packages that an adapter imports and that only an extra brings."""


def import_everything() -> None:
    for package in ("rag", "ingest", "api", "eval"):
        for module in pkgutil.walk_packages(importlib.import_module(package).__path__, f"{package}."):
            if ".migrations" in module.name:
                continue
            try:
                importlib.import_module(module.name)
            except ModuleNotFoundError as exc:
                if exc.name not in EXTRAS:
                    raise


def test_every_error_class_has_a_row_of_its_own() -> None:
    import_everything()
    ours = {kind for kind in every_error() if not kind.__module__.startswith("tests.")}

    assert ours == set(TABLE)


def test_codes_are_unique_so_that_clients_can_act_on_them() -> None:
    codes = [kind.code for kind in TABLE if kind is not FootnoteError]

    assert len(codes) == len(set(codes))


def test_a_message_written_for_the_caller_is_the_detail() -> None:
    problem = problem_of(DocumentNotFound("No document 'x'; list them first."), request_id="r1")

    assert problem["status"] == 404
    assert problem["code"] == "document_not_found"
    assert problem["detail"] == "No document 'x'; list them first."
    assert problem["type"] == "urn:footnote:problem:document_not_found"


@pytest.mark.parametrize(
    "error", [GenerationFailed("http://10.0.0.8 refused"), ValueError("secret 10.0.0.8")]
)
def test_internal_causes_stay_in_the_log(error: Exception, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR):
        problem = problem_of(error, request_id="r1")

    assert "10.0.0.8" not in str(problem)
    assert problem["request_id"] == "r1"
    assert "r1" in caplog.text
    assert "10.0.0.8" in caplog.text


def test_a_crash_says_nothing_but_the_request_id() -> None:
    assert problem_of(KeyError("password"), request_id="r1")["detail"] == INTERNAL_DETAIL
