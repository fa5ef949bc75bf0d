"""The camouflage API: the ledger's own application over databases that hold decoys only.

Nothing is imitated: routes, middleware, errors, headers, cursors and limits are the ledger's. The decoy adds a view
for each caller and one more signing key.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from functools import partial

import structlog
from fastapi import FastAPI

from app import server
from app.api.application import Decoy, create_app
from app.camouflage import database_fingerprint
from app.camouflage.caller_views import CallerViews, Copies
from app.camouflage.database_fingerprint import FingerprintGuard
from app.camouflage.profile import Paced, Profile, read_profile
from app.camouflage.settings import CamouflageSettings
from app.canaries.credentials import Credentials, KeysWithCanaries
from app.canaries.key import CamouflageKey
from app.credits import Ledger, Shards
from app.data_plane import DataPlane
from app.database import DatabaseUnavailable, ShardDatabase
from app.settings import ServeSettings
from app.tokens import Caller
from app.topology import Directory, Shard, read_directory

SECONDS = 3.0
"""Time limit of the check of a database before the server starts."""

log = structlog.get_logger(__name__)


def create_decoy(
    key: CamouflageKey,
    settings: ServeSettings,
    directory: Directory,
    branch_limits: Mapping[str, int] | None = None,
    *,
    profile: Profile | None = None,
) -> FastAPI:
    """Return the ASGI application, built by `app.api.create_app` like the ledger's.

    With a `profile` it answers no faster than the ledger and fails as often.
    """
    decoy = Decoy(
        keys=partial(KeysWithCanaries, credentials=Credentials(key)),
        views=partial(_create_views, key, directory.map_shard.name, profile.failures() if profile else {}),
        middleware=partial(Paced, profile=profile) if profile else None,
    )
    return create_app(settings, directory, branch_limits, decoy=decoy)


def run(settings: CamouflageSettings) -> None:
    """Serve until SIGTERM; before it listens it raises WrongKey, WrongProfile, NotADecoy, and as `server.run`."""
    key = CamouflageKey.read(settings.canary_key)
    profile = read_profile(settings.profile) if settings.profile else None
    asyncio.run(_check(read_directory(settings.directory), key))
    server.run(settings, partial(create_decoy, key, profile=profile))


def _create_views(
    key: CamouflageKey, map_shard: str, failures: Mapping[str, float], plane: DataPlane
) -> Callable[[Caller], Ledger]:
    databases = plane.databases.by_shard
    copies = Copies(Shards(plane.router, databases), FingerprintGuard(databases, key))
    return CallerViews(plane.ledger, copies, key, databases[map_shard], failures=failures).of


async def _check(directory: Directory, key: CamouflageKey) -> None:
    await asyncio.gather(*(_check_shard(shard, key) for shard in directory.shards))


async def _check_shard(shard: Shard, key: CamouflageKey) -> None:
    database = ShardDatabase(shard, size=1, kept=0, seconds=SECONDS)
    await database.open()
    try:
        await database_fingerprint.check({shard.name: database}, key)
    except DatabaseUnavailable as error:
        # As with the ledger, a database that is down does not prevent the start: it is checked before its first use.
        log.warning("database fingerprint not checked", shard=shard.name, error=str(error))
    finally:
        await database.close()
