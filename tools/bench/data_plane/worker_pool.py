"""Processes that do the same work at the same time and return what they measure."""

from __future__ import annotations

import contextlib
import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from typing import Any, Generic, TypeVar

import stamina

from app.garbage_collection import freeze_gc

Result = TypeVar("Result")
Work = Callable[..., Result]
"""Takes the parameters of a slice (most often: seconds), returns what is measured."""

START_SECONDS = 60.0
SLICE_SECONDS = 120.0

_stack = contextlib.ExitStack()
_work: list[Work[Any]] = []


class WorkerPool(Generic[Result]):
    """A few processes with the same work to do; they are asleep between slices."""

    def __init__(self, workers: Sequence[ProcessPoolExecutor]) -> None:
        self._workers = workers

    def run(self, *parameters: Any) -> list[Result]:
        """Let all workers do one slice at once; return the result of each."""
        return _results([worker.submit(_run, parameters) for worker in self._workers], SLICE_SECONDS)


@contextlib.contextmanager
def worker_pool(
    size: int, make: Callable[..., contextlib.AbstractContextManager[Work[Result]]], *arguments: Any
) -> Iterator[WorkerPool[Result]]:
    """Start `size` processes; each enters `make(*arguments, number)`, whose value does the work of a slice."""
    context = multiprocessing.get_context("spawn")
    workers = [ProcessPoolExecutor(1, mp_context=context) for _ in range(size)]
    try:
        _results([worker.submit(_enter, make, (*arguments, number)) for number, worker in enumerate(workers)])
        yield WorkerPool(workers)
        _results([worker.submit(_leave) for worker in workers])
    finally:
        for worker in workers:
            worker.shutdown(wait=False, cancel_futures=True)
            for process in list((worker._processes or {}).values()):
                process.join(timeout=10)
                process.kill()


def _results(futures: Sequence[Future[Any]], seconds: float = START_SECONDS) -> list[Any]:
    return [future.result(timeout=seconds) for future in futures]


def _enter(make: Callable[..., contextlib.AbstractContextManager[Work[Any]]], arguments: tuple[Any, ...]) -> None:
    stamina.instrumentation.set_on_retry_hooks([])  # or each retry is printed
    _work.append(_stack.enter_context(make(*arguments)))
    freeze_gc()  # the app does it, and so all sides do


def _run(parameters: tuple[Any, ...]) -> Any:
    return _work[0](*parameters)


def _leave() -> None:
    _stack.close()
