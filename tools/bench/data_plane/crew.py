"""Processes that do the same work at the same time, and say what came of it."""

from __future__ import annotations

import contextlib
import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from multiprocessing.connection import Connection
from typing import Any, Generic, TypeVar

import stamina

from app.garbage_collection import freeze_gc

Result = TypeVar("Result")
Work = Callable[..., Result]
"""Takes what a slice is told (most often: seconds), gives what is measured."""

START_SECONDS = 60.0
SLICE_SECONDS = 120.0


class MemberFailed(Exception):
    """A process of a crew raised something, or did not answer; the text is what it raised."""


class Crew(Generic[Result]):
    """A few processes with the same work to do; they are asleep between slices."""

    def __init__(self, pipes: Sequence[Connection[Any, Any]]) -> None:
        self._pipes = pipes

    def run(self, *told: Any) -> list[Result]:
        """Have all of them work at once; what each gave."""
        for pipe in self._pipes:
            pipe.send(told)
        return [_answer(pipe, SLICE_SECONDS) for pipe in self._pipes]


@contextlib.contextmanager
def crew(
    size: int, make: Callable[..., contextlib.AbstractContextManager[Work[Result]]], *arguments: Any
) -> Iterator[Crew[Result]]:
    """`size` processes that each enter `make(*arguments, number)` and then do its work when told to."""
    context = multiprocessing.get_context("spawn")
    pipes, members = [], []
    try:
        for number in range(size):
            ours, theirs = context.Pipe()
            member = context.Process(target=_serve, args=(theirs, make, (*arguments, number)), daemon=True)
            member.start()
            theirs.close()
            pipes.append(ours)
            members.append(member)
        for pipe in pipes:
            _answer(pipe, START_SECONDS)
        yield Crew(pipes)
    finally:
        for pipe in pipes:
            with contextlib.suppress(OSError):
                pipe.send(None)
        for member in members:
            member.join(timeout=10)
            if member.is_alive():
                member.kill()


def _serve(pipe: Connection[Any, Any], make: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    stamina.instrumentation.set_on_retry_hooks([])  # or each retry is printed
    try:
        with make(*arguments) as work:
            freeze_gc()  # the app does it, and so all sides do
            pipe.send((True, None))
            while (told := pipe.recv()) is not None:
                pipe.send((True, work(*told)))
    except EOFError:
        return
    except BaseException as problem:  # whatever it is, the parent is to know
        pipe.send((False, f"{type(problem).__name__}: {problem}"))


def _answer(pipe: Connection[Any, Any], seconds: float) -> Any:
    if not pipe.poll(seconds):
        raise MemberFailed(f"no answer within {seconds:.0f} s")
    try:
        done, result = pipe.recv()
    except EOFError:
        raise MemberFailed("the process ended") from None
    if not done:
        raise MemberFailed(result)
    return result
