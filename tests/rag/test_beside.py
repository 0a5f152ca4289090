"""Work beside the caller's own: results and errors come back, busy threads hold nobody up."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from rag.retrieval.beside import Beside
from tests.patience import LONG_S


@pytest.fixture
def beside() -> Iterator[Beside]:
    threads = Beside("test", threads=1)
    yield threads
    threads.close()


def test_a_call_runs_in_another_thread_while_its_caller_goes_on(beside: Beside) -> None:
    go_on = threading.Event()

    def call() -> str:
        go_on.wait(LONG_S)
        return threading.current_thread().name

    errand = beside.run(call)
    go_on.set()  # would not be reached if the call ran here
    assert errand.result() != threading.current_thread().name


def test_what_the_call_raises_reaches_who_asks_for_the_result(beside: Beside) -> None:
    errand = beside.run(lambda: 1 // 0)
    with pytest.raises(ZeroDivisionError):
        errand.result()


def test_a_caller_does_its_own_errand_when_all_threads_are_busy(beside: Beside) -> None:
    over = threading.Event()
    started = threading.Event()

    def busy() -> bool:
        started.set()
        return over.wait(LONG_S)

    slow = beside.run(busy)
    assert started.wait(LONG_S)
    here = beside.run(threading.get_ident)
    assert here.result() == threading.get_ident()
    over.set()
    assert slow.result()


def test_a_forgotten_errand_is_not_begun(beside: Beside) -> None:
    over, started = threading.Event(), threading.Event()
    done: list[str] = []

    def busy() -> None:
        started.set()
        over.wait(LONG_S)

    slow = beside.run(busy)
    assert started.wait(LONG_S)
    beside.run(lambda: done.append("unwanted")).forget()
    over.set()
    slow.result()
    beside.close()
    assert done == []
