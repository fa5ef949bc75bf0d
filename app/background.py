"""Background work: started with the application, restarted when it fails, stopped with the application."""

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
"""Wait before a failed worker is restarted; it doubles with each failure."""
LONGEST_WAIT_SECONDS = 10.0
HEALTHY_SECONDS = 30.0
"""After a run of this length the waits start short again."""
STOP_SECONDS = 10.0
"""How long a cancelled worker may take to end."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Worker:
    """Named work that runs for ever; an error ends one run."""

    name: str
    run: Callable[[], Coroutine[Any, Any, None]]


@dataclass(frozen=True)
class WorkerState:
    """The state of a worker, for metrics."""

    running: bool = False
    """False while it waits for its restart, and after its end."""
    failures: int = 0
    """Runs that ended in an error since the process started."""
    error: str | None = None
    """The last of these errors."""


def with_leadership(leaderships: Leaderships, worker: Worker) -> Worker:
    """Return a worker that only the leader of its name on the shard runs."""

    async def run() -> None:
        await leaderships.lead(worker.name, worker.run)

    return Worker(worker.name, run)


class Background:
    """Runs workers inside its `async with` block."""

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
        self._retry = stamina.AsyncRetryingCaller(
            attempts=None,
            timeout=None,
            wait_initial=first_wait_seconds,
            wait_max=longest_wait_seconds,
            wait_jitter=first_wait_seconds,
        ).on(Exception)

    @property
    def states(self) -> Mapping[str, WorkerState]:
        """The state of every worker, by name."""
        return dict(self._states)

    async def __aenter__(self) -> Self:
        for worker in self._workers:
            self.start(worker)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    def start(self, worker: Worker) -> None:
        """Run one more worker; raise ValueError if one of its name is running."""
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
            while not await self._retry(self._run_once, worker):
                pass
        finally:
            self._states[worker.name] = replace(self._states[worker.name], running=False)

    async def _run_once(self, worker: Worker) -> bool:
        """Run it once and return whether it has finished; raise its error if the run was short."""
        started = time.monotonic()
        self._states[worker.name] = replace(self._states[worker.name], running=True)
        try:
            await worker.run()
        except Exception as error:
            self._note_failure(worker, error)
            if time.monotonic() - started < self._healthy_seconds:
                raise
            return False
        log.info("worker finished", worker=worker.name)
        return True

    def _note_failure(self, worker: Worker, error: Exception) -> None:
        failures = self._states[worker.name].failures + 1
        self._states[worker.name] = WorkerState(False, failures, f"{type(error).__name__}: {error}")
        unexpected = not isinstance(error, DatabaseUnavailable)
        log.warning("worker failed", worker=worker.name, failures=failures, error=str(error), exc_info=unexpected)
