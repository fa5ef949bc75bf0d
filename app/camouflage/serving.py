"""The process of the camouflage API."""

from __future__ import annotations

import asyncio
from functools import partial

import structlog

from app import server
from app.camouflage import marks
from app.camouflage.application import create_decoy
from app.camouflage.key import CamouflageKey
from app.camouflage.profile import read_profile
from app.camouflage.settings import CamouflageSettings
from app.database import DatabaseUnavailable, ShardDatabase
from app.topology import Directory, Shard, read_directory

SECONDS = 3.0

log = structlog.get_logger(__name__)


def run(settings: CamouflageSettings) -> None:
    """Serve until SIGTERM; before anything listens it raises WrongKey, WrongProfile, NotADecoy, and as `server.run`."""
    key = CamouflageKey.read(settings.canary_key)
    profile = read_profile(settings.profile) if settings.profile else None
    asyncio.run(_check(read_directory(settings.directory), key))
    server.run(settings, partial(create_decoy, key, profile=profile))


async def _check(directory: Directory, key: CamouflageKey) -> None:
    await asyncio.gather(*(_check_shard(shard, key) for shard in directory.shards))


async def _check_shard(shard: Shard, key: CamouflageKey) -> None:
    database = ShardDatabase(shard, size=1, kept=0, seconds=SECONDS)
    await database.open()
    try:
        await marks.check({shard.name: database}, key)
    except DatabaseUnavailable as error:
        # As with the ledger, a server that is down keeps no process from starting: it is looked at before its use.
        log.warning("mark not known", shard=shard.name, error=str(error))
    finally:
        await database.close()
