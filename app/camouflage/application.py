"""The camouflage API: the ledger's own application, with worlds for accounts and a key more for tokens.

Nothing is imitated. Routes, middleware, errors, headers, cursors and limits are the ledger's, and so is what stands
behind them: another set of databases, which holds decoys only.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from fastapi import FastAPI

from app.api.application import Decoy, create_app
from app.camouflage.copies import Copies
from app.camouflage.credentials import Credentials, WithCanaries
from app.camouflage.key import CamouflageKey
from app.camouflage.marks import Guard
from app.camouflage.profile import Paced, Profile
from app.camouflage.worlds import Worlds
from app.credits import Ledger, Shards
from app.data_plane import DataPlane
from app.settings import ServeSettings
from app.tokens import Caller
from app.topology import Directory


def create_decoy(
    key: CamouflageKey,
    settings: ServeSettings,
    directory: Directory,
    branch_limits: Mapping[str, int] | None = None,
    *,
    profile: Profile | None = None,
) -> FastAPI:
    """The ASGI application, as `app.api.create_app` makes the ledger's; with a `profile` no quicker than that, and as
    often without its databases."""
    decoy = Decoy(
        keys=partial(WithCanaries, credentials=Credentials(key)),
        worlds=partial(_worlds, key, directory.map_shard.name, profile.failures() if profile else {}),
        middleware=partial(Paced, profile=profile) if profile else None,
    )
    return create_app(settings, directory, branch_limits, decoy=decoy)


def _worlds(
    key: CamouflageKey, map_shard: str, failures: Mapping[str, float], plane: DataPlane
) -> Callable[[Caller], Ledger]:
    databases = plane.databases.by_shard
    copies = Copies(Shards(plane.router, databases), Guard(databases, key))
    return Worlds(plane.ledger, copies, key, databases[map_shard], failures=failures).of
