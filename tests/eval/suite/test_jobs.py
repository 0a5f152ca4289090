"""Evaluations as jobs: stopped, cancelled, and taken up again by another process."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from eval.suite.config import Suite
from eval.suite.jobs import KIND, EvaluationRunner, stored_report
from eval.suite.report import parse_report
from rag.cancellation import Cancellation
from rag.domain import GeneratorItem, Job, JobState, Prompt
from rag.errors import JobNotFound
from rag.factory import Footnote
from rag.settings import Settings
from tests.eval.suite.small import NAME, QUICK, ReplyGenerator, filled_suite
from tests.fakes import HashedEmbedder
from tests.patience import LONG_S, wait_for


class HeldGenerator(ReplyGenerator):
    """Writes nothing until it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = threading.Event()
        self.let_go = threading.Event()

    def stream(self, prompt: Prompt, *, cancellation: Cancellation | None = None) -> Iterator[GeneratorItem]:
        self.asked.set()
        assert self.let_go.wait(LONG_S)
        yield from super().stream(prompt, cancellation=cancellation)


@pytest.fixture
def held() -> HeldGenerator:
    return HeldGenerator()


@pytest.fixture
def footnote(tmp_path: Path, held: HeldGenerator) -> Iterator[Footnote]:
    settings = Settings(data_dir=tmp_path / "data", allowed_roots=(tmp_path,))
    with Footnote(settings, embedder=HashedEmbedder(), generators={NAME: held}) as opened:
        yield opened


@pytest.fixture
def suite(tmp_path: Path, footnote: Footnote) -> Suite:
    return filled_suite(tmp_path, footnote, QUICK)


def submit(footnote: Footnote, suite: Suite) -> Job:
    return footnote.catalog.create_job(
        kind=KIND, collection="", request={"suite": suite.model_dump(mode="json")}, idempotency_key=None
    )[0]


def state_of(footnote: Footnote, job: Job) -> JobState:
    return footnote.catalog.job(job.id).state


def test_a_stopped_evaluation_is_taken_up_again_and_its_report_stays(
    footnote: Footnote, held: HeldGenerator, suite: Suite
) -> None:
    job = submit(footnote, suite)
    first = EvaluationRunner(footnote)
    first.start()
    assert held.asked.wait(LONG_S)
    stopping = threading.Thread(target=first.stop)
    stopping.start()
    held.let_go.set()
    stopping.join()
    assert (state_of(footnote, job), footnote.catalog.job(job.id).attempts) == (JobState.QUEUED, 0)

    second = EvaluationRunner(footnote)
    second.start()
    try:
        wait_for(lambda: state_of(footnote, job) is JobState.COMMITTED)
    finally:
        second.stop()
    report = parse_report(stored_report(footnote.catalog, job.id), "it")
    done = footnote.catalog.job(job.id)
    assert done.result is not None
    assert (report.suite, done.result["suite"], len(report.cases)) == ("small", "small", 5)


def test_a_cancelled_evaluation_stops_and_keeps_no_report(
    footnote: Footnote, held: HeldGenerator, suite: Suite
) -> None:
    job = submit(footnote, suite)
    runner = EvaluationRunner(footnote)
    runner.start()
    try:
        assert held.asked.wait(LONG_S)
        footnote.catalog.update_job(job.id, state=JobState.CANCELLED)
        held.let_go.set()
        after = submit(
            footnote, suite.model_copy(update={"questions": suite.questions.parent / "gone.jsonl"})
        )  # type: ignore[union-attr]
        wait_for(lambda: state_of(footnote, after) is JobState.FAILED)
    finally:
        runner.stop()
    assert state_of(footnote, job) is JobState.CANCELLED
    with pytest.raises(JobNotFound):
        stored_report(footnote.catalog, job.id)


def test_a_link_that_was_changed_after_the_request_is_not_followed(
    footnote: Footnote, suite: Suite, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    job = submit(footnote, suite)
    outside = tmp_path_factory.mktemp("outside") / "questions.jsonl"
    outside.write_text('{"id": "x", "question": "What?"}\n')
    (tmp_path / "questions.jsonl").unlink()
    (tmp_path / "questions.jsonl").symlink_to(outside)
    runner = EvaluationRunner(footnote)
    runner.start()
    try:
        wait_for(lambda: state_of(footnote, job) is JobState.FAILED)
    finally:
        runner.stop()
    assert footnote.catalog.job(job.id).error_code == "forbidden"


def test_progress_is_written_into_the_job(footnote: Footnote, held: HeldGenerator, suite: Suite) -> None:
    job = submit(footnote, suite)
    held.let_go.set()
    runner = EvaluationRunner(footnote)
    runner.start()
    try:
        wait_for(lambda: state_of(footnote, job) is JobState.COMMITTED)
    finally:
        runner.stop()
    done = footnote.catalog.job(job.id)
    assert (done.stage, done.counts) == ("done", {"done": 5, "total": 5})
