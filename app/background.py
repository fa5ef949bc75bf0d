"""Work that goes on beside the requests: started with the application, restarted when it fails, stopped with it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

import stamina
import structlog

from app.database.leadership import Leaderships
from app.database.pools import DatabaseUnavailable
from app.tasks import cancel_and_wait

FIRST_WAIT_SECONDS = 0.1
LONGEST_WAIT_SECONDS = 10.0
HEALTHY_SECONDS = 30.0
"""A run that lasted this long begins with short waits again when it fails."""
STOP_SECONDS = 10.0
"""How long a worker may take to end once it is cancelled."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Worker:
    """Work without end under a name; what it raises ends one run of it."""

    name: str
    run: Callable[[], Coroutine[Any, Any, None]]


@dataclass(frozen=True)
class WorkerState:
    """How a worker is, for metrics."""

    running: bool = False
    """False while it waits to be restarted, and after its end."""
    failures: int = 0
    """Runs that ended by an error since the process started."""
    error: str | None = None
    """The last of these errors."""


def led(leaderships: Leaderships, worker: Worker) -> Worker:
    """The worker, but run by one process at a time: whichever leads its name on the shard."""

    async def run() -> None:
        await leaderships.lead(worker.name, worker.run)

    return Worker(worker.name, run)


class Background:
    """Runs workers for as long as it is entered."""

    def __init__(
        self,
        workers: Iterable[Worker] = (),
        *,
        first_wait_seconds: float = FIRST_WAIT_SECONDS,
        longest_wait_seconds: float = LONGEST_WAIT_SECONDS,
        healthy_seconds: float = HEALTHY_SECONDS,
    ) -> None:
        self._workers = list(workers)
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._states: dict[str, WorkerState] = {}
        self._healthy_seconds = healthy_seconds
        self._persistently = stamina.AsyncRetryingCaller(
            attempts=None,
            timeout=None,
            wait_initial=first_wait_seconds,
            wait_max=longest_wait_seconds,
            wait_jitter=first_wait_seconds,
        ).on(Exception)

    @property
    def states(self) -> Mapping[str, WorkerState]:
        """How every worker is, by its name."""
        return dict(self._states)

    async def __aenter__(self) -> Self:
        for worker in self._workers:
            self.start(worker)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    def start(self, worker: Worker) -> None:
        """Run one worker more; ValueError where one of its name runs already."""
        if worker.name in self._tasks:
            raise ValueError(f"a worker named {worker.name} runs already")
        self._states[worker.name] = WorkerState()
        self._tasks[worker.name] = asyncio.create_task(self._keep(worker), name=worker.name)

    async def stop(self) -> None:
        """Cancel all workers and wait until they have ended."""
        tasks = list(self._tasks.values())
        self._tasks.clear()
        for task in await cancel_and_wait(tasks, seconds=STOP_SECONDS):
            log.error("worker does not stop", worker=task.get_name(), seconds=STOP_SECONDS)

    async def _keep(self, worker: Worker) -> None:
        try:
            while not await self._persistently(self._finishes, worker):
                pass
        finally:
            self._states[worker.name] = replace(self._states[worker.name], running=False)

    async def _finishes(self, worker: Worker) -> bool:
        """Run it once; whether it is done. Raises its error where it failed soon after it began."""
        started = time.monotonic()
        self._states[worker.name] = replace(self._states[worker.name], running=True)
        try:
            await worker.run()
        except Exception as error:
            self._failed(worker, error)
            if time.monotonic() - started < self._healthy_seconds:
                raise
            return False
        log.info("worker finished", worker=worker.name)
        return True

    def _failed(self, worker: Worker, error: Exception) -> None:
        failures = self._states[worker.name].failures + 1
        self._states[worker.name] = WorkerState(False, failures, f"{type(error).__name__}: {error}")
        unexpected = not isinstance(error, DatabaseUnavailable)
        log.warning("worker failed", worker=worker.name, failures=failures, error=str(error), exc_info=unexpected)
