"""Micro-batches: what waits goes together, nobody waits for more to come, each gets its own outcome."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from rag.microbatching import MicroBatcher
from tests.patience import LONG_S, wait_for


class Work:
    """Doubles numbers, one batch at a time, and remembers the batches; the first one waits for ``go_on``."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.begun, self.go_on = threading.Event(), threading.Event()

    def __call__(self, items: Sequence[int]) -> list[int]:
        self.batches.append(list(items))
        self.begun.set()
        self.go_on.wait(LONG_S)
        if 13 in items:
            raise ValueError("13 is a bad number")
        return [2 * item for item in items]


@pytest.fixture
def work() -> Work:
    return Work()


@pytest.fixture
def batcher(work: Work) -> Iterator[MicroBatcher[int, int]]:
    made: MicroBatcher[int, int] = MicroBatcher("test", work, most=4)
    yield made
    work.go_on.set()
    made.close()


@pytest.fixture
def callers() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(16) as pool:
        yield pool


def test_a_single_caller_is_served_at_once(batcher: MicroBatcher[int, int], work: Work) -> None:
    work.go_on.set()
    assert [batcher.result(1), batcher.result(2)] == [2, 4]
    assert work.batches == [[1], [2]]


def test_what_waits_while_a_batch_runs_is_the_next_batch_up_to_the_limit(
    batcher: MicroBatcher[int, int], work: Work, callers: ThreadPoolExecutor
) -> None:
    first = callers.submit(batcher.result, 0)
    assert work.begun.wait(LONG_S)
    later = [callers.submit(batcher.result, item) for item in range(1, 7)]
    wait_for(lambda: batcher._waiting.qsize() == 6)
    work.go_on.set()
    assert [first.result(), *(call.result() for call in later)] == [0, 2, 4, 6, 8, 10, 12]
    assert [len(batch) for batch in work.batches] == [1, 4, 2]


def test_a_bad_item_fails_its_caller_and_not_its_neighbours(
    batcher: MicroBatcher[int, int], work: Work, callers: ThreadPoolExecutor
) -> None:
    first = callers.submit(batcher.result, 0)
    assert work.begun.wait(LONG_S)
    later = {item: callers.submit(batcher.result, item) for item in (1, 13, 3)}
    wait_for(lambda: batcher._waiting.qsize() == 3)
    work.go_on.set()
    assert (first.result(), later[1].result(), later[3].result()) == (0, 2, 6)
    with pytest.raises(ValueError, match="13 is a bad number"):
        later[13].result()
    assert batcher.result(4) == 8


def test_too_few_results_are_an_error_for_each_not_somebody_else_s_result() -> None:
    batcher: MicroBatcher[int, int] = MicroBatcher("test", lambda items: [], most=4)
    with pytest.raises(ValueError, match="0 results for 1 items"):
        batcher.result(1)
    batcher.close()


def test_who_was_interrupted_wants_nothing_done(
    batcher: MicroBatcher[int, int],
    work: Work,
    callers: ThreadPoolExecutor,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first = callers.submit(batcher.result, 0)
    assert work.begun.wait(LONG_S)
    with monkeypatch.context() as interrupted:

        def interrupt(future: object, timeout: float | None = None) -> int:
            raise KeyboardInterrupt

        interrupted.setattr("rag.microbatching.Future.result", interrupt)
        with pytest.raises(KeyboardInterrupt):
            batcher.result(5)
    work.go_on.set()
    assert first.result() == 0
    assert batcher.result(6) == 12
    assert [5] not in work.batches
    assert all(5 not in batch for batch in work.batches)


def test_closing_does_what_waits_and_takes_nothing_more(
    batcher: MicroBatcher[int, int], work: Work, callers: ThreadPoolExecutor
) -> None:
    calls = [callers.submit(batcher.result, item) for item in range(3)]
    wait_for(lambda: sum(map(len, work.batches)) + batcher._waiting.qsize() == 3)
    closing = callers.submit(batcher.close)
    work.go_on.set()
    assert [call.result() for call in calls] == [0, 2, 4]
    closing.result(LONG_S)
    assert "test" not in {thread.name for thread in threading.enumerate()}
    with pytest.raises(RuntimeError, match="has ended"):
        batcher.result(1)


def test_closing_before_any_call_starts_no_thread() -> None:
    batcher: MicroBatcher[int, int] = MicroBatcher("never", list, most=4)
    batcher.close()
    batcher.close()
    assert "never" not in {thread.name for thread in threading.enumerate()}


def test_many_callers_each_get_their_own_result(callers: ThreadPoolExecutor) -> None:
    batcher: MicroBatcher[int, int] = MicroBatcher("test", lambda items: [3 * n for n in items], most=8)
    assert list(callers.map(batcher.result, range(2000))) == [3 * n for n in range(2000)]
    batcher.close()
