"""The HTTP server process, and how it stops without dropping a request."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Mapping
from types import FrameType

import structlog
import uvicorn
from fastapi import FastAPI

from app import logs
from app.api import create_app
from app.api.services import Services
from app.connection_limits import branch_limits
from app.garbage_collection import freeze_gc
from app.settings import ServeSettings
from app.topology import Directory, read_directory

FINISH_SECONDS = 20
"""How long requests under way may take once no new ones are accepted."""

Create = Callable[[ServeSettings, Directory, Mapping[str, int]], FastAPI]

log = structlog.get_logger(__name__)


class DrainingServer(uvicorn.Server):
    """Stops in three steps on SIGTERM: not ready, but still serving; no new connections; requests finished."""

    def __init__(self, config: uvicorn.Config, services: Services, drain_seconds: float) -> None:
        super().__init__(config)
        self._services = services
        self._drain_seconds = drain_seconds
        self._stops_at_tick: int | None = None

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002  uvicorn's signature
        """Start to drain; an interrupt or a second signal skips the wait."""
        if sig == signal.SIGINT or self._services.readiness.draining:
            if self.should_exit:
                self.force_exit = True
            self.should_exit = True
        self._services.readiness.draining = True

    async def on_tick(self, counter: int) -> bool:
        """Return whether to stop; called every tenth of a second."""
        if self._services.readiness.draining and self._stops_at_tick is None:
            log.info("draining", seconds=self._drain_seconds)
            self._stops_at_tick = counter + round(self._drain_seconds * 10)
        if self._stops_at_tick is not None and counter >= self._stops_at_tick:
            self.should_exit = True
        return await super().on_tick(counter)


def run(settings: ServeSettings, create: Create = create_app) -> None:
    """Serve until SIGTERM; raise WrongDirectory and ServerTooSmall before listening."""
    directory = read_directory(settings.directory)
    logs.configure(settings.log_level, environment=settings.environment, cloud=settings.cloud)
    app = create(settings, directory, asyncio.run(branch_limits(settings, directory)))
    server = DrainingServer(_config(settings, app), app.state.services, settings.drain_seconds)
    freeze_gc()
    log.info("serving", host=settings.host, port=settings.port, shards=[shard.name for shard in directory.shards])
    server.run()
    log.info("stopped")


def _config(settings: ServeSettings, app: FastAPI) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=FINISH_SECONDS,
        lifespan="on",
    )
