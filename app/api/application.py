"""The application: its parts put together, and their life."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from app.api import accounts, operations, problems
from app.api.limits import BodyLimit
from app.api.readiness import Readiness
from app.api.services import Services
from app.api.telemetry import Metrics, Telemetry
from app.credits import Ledger
from app.database import Databases
from app.events import EventStore
from app.settings import ServeSettings
from app.sharding import Directory, PostgresMapStore, Router
from app.tokens import JwksCache, Verifier, key_source


def create_app(settings: ServeSettings, directory: Directory) -> FastAPI:
    """The ASGI application; its databases are opened and closed by its lifespan."""
    databases = Databases(
        directory.shards, home=settings.cloud, size=settings.pool_size, seconds=settings.database_seconds
    )
    services = _services(settings, directory, databases)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await databases.open()
        try:
            yield
        finally:
            await databases.close()

    app = FastAPI(
        title="Living Fortress credits ledger",
        version=settings.version,
        description="Credits of accounts, each stored in the account's home cloud.",
        lifespan=lifespan,
        responses=problems.documented(500),
    )
    app.state.services = services
    app.include_router(operations.router)
    app.include_router(accounts.router)
    problems.install(app)
    app.add_middleware(BodyLimit)
    app.add_middleware(Telemetry, metrics=services.metrics, is_draining=lambda: services.readiness.draining)
    return app


def _services(settings: ServeSettings, directory: Directory, databases: Databases) -> Services:
    stores = {name: EventStore(database) for name, database in databases.by_shard.items()}
    holder = directory.map_shard.name
    router = Router(directory, stores, PostgresMapStore(databases.by_shard[holder], shard=holder))
    keys = JwksCache(key_source(settings.oidc_issuer, settings.oidc_jwks_uri))
    return Services(
        ledger=Ledger(router),
        verifier=Verifier(keys, issuer=settings.oidc_issuer, audience=settings.oidc_audience),
        readiness=Readiness({shard.name: stores[shard.name] for shard in directory.at_home(settings.cloud)}),
        metrics=Metrics(
            version=settings.version,
            environment=settings.environment,
            cloud=settings.cloud,
            pools=lambda: {name: database.statistics for name, database in databases.by_shard.items()},
        ),
    )
