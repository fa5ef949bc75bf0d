"""The application: its parts put together, and their life."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

from fastapi import FastAPI
from starlette.types import ASGIApp

from app.api import accounts, balances, operations, problems, reservations, transfers
from app.api.balances import BalanceReads
from app.api.cursors import Cursors
from app.api.limits import BodyLimit
from app.api.rates import Rates
from app.api.readiness import Readiness
from app.api.services import Services
from app.api.telemetry import Metrics, Telemetry
from app.background import Background
from app.canaries.detections import CanaryDetection
from app.canaries.detector import CanaryDetector
from app.credits import Ledger
from app.data_plane import DataPlane
from app.personal_data import open_master_key
from app.settings import ServeSettings
from app.tokens import Caller, JwksCache, Keys, KnownCallers, Verifier, key_source
from app.topology import Directory


@dataclass(frozen=True)
class Decoy:
    """The parts that turn the ledger's application into a decoy."""

    keys: Callable[[Keys], Keys]
    """Wraps the issuer's keys, to accept canary credentials too."""
    views: Callable[[DataPlane], Callable[[Caller], Ledger]]
    """The ledger as each caller sees it."""
    middleware: Callable[[ASGIApp], ASGIApp] | None = None
    """Delays responses, if the decoy runs on other machines."""


def create_app(
    settings: ServeSettings,
    directory: Directory,
    branch_limits: Mapping[str, int] | None = None,
    *,
    decoy: Decoy | None = None,
) -> FastAPI:
    """The ASGI application; its databases and its work in the background live with its lifespan.

    `branch_limits` are the most prepared branches of transfers per shard: see `app.connection_limits`.
    """
    plane = DataPlane(
        directory,
        cloud=settings.cloud,
        pool_size=settings.pool_size,
        database_seconds=settings.database_seconds,
        master_key=open_master_key(settings.master_key),
    )
    plane.transfers.limit_branches(branch_limits or {})
    services = _services(settings, plane, decoy)
    detection = CanaryDetection(settings.canary_key, plane, is_decoy=decoy is not None) if settings.canary_key else None

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await plane.open()
        try:
            async with Background([*plane.workers(), *(detection.workers() if detection else ())]):
                yield
            if detection:
                await detection.log.flush()
        finally:
            await plane.close()

    app = FastAPI(
        title="Living Fortress credits ledger",
        version=settings.version,
        description="Credits of accounts, each stored in the account's home cloud.",
        lifespan=lifespan,
        responses=problems.documented(500),
    )
    app.state.services = services
    for part in (operations, balances, accounts, reservations, transfers):
        app.include_router(part.router)
    problems.install(app)
    app.add_middleware(BodyLimit)
    app.add_middleware(BalanceReads, services=services)
    if decoy and decoy.middleware:
        app.add_middleware(decoy.middleware)
    if detection:
        app.add_middleware(CanaryDetector, canaries=detection.canaries, log=detection.log, callers=services.callers)
        for counter in detection.metrics.counters:
            services.metrics.register(counter)
    app.add_middleware(Telemetry, metrics=services.metrics, is_draining=lambda: services.readiness.draining)
    return app


def _services(settings: ServeSettings, plane: DataPlane, decoy: Decoy | None) -> Services:
    keys: Keys = JwksCache(key_source(settings.oidc_issuer, settings.oidc_jwks_uri))
    if decoy is not None:
        keys = decoy.keys(keys)
    verifier = Verifier(keys, issuer=settings.oidc_issuer, audience=settings.oidc_audience)
    metrics = Metrics(
        version=settings.version,
        environment=settings.environment,
        cloud=settings.cloud,
        pools=lambda: {name: database.statistics for name, database in plane.databases.by_shard.items()},
    )
    for collector in plane.collectors:
        metrics.register(collector)
    return Services(
        ledger=plane.ledger,
        callers=KnownCallers(verifier),
        rates=Rates(settings.rate_limit),
        cursors=Cursors(f"{settings.environment} {settings.oidc_issuer} {settings.oidc_audience}"),
        readiness=Readiness(plane.home_stores),
        metrics=metrics,
        views=decoy.views(plane) if decoy else None,
    )
