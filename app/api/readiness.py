"""Whether this process should get requests."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from app.database import DatabaseUnavailable
from app.events import EventStore

PROBE_SECONDS = 1.5
READY = "ready"


class Readiness:
    """Ready while the home shards answer and the process is not stopping."""

    def __init__(self, home_stores: Mapping[str, EventStore]) -> None:
        self._home_stores = home_stores
        self.draining = False

    async def by_shard(self) -> dict[str, str]:
        """What each home shard says: `ready`, or why not."""
        states = await asyncio.gather(*(_state(store) for store in self._home_stores.values()))
        return dict(zip(self._home_stores, states, strict=True))


async def _state(store: EventStore) -> str:
    try:
        async with asyncio.timeout(PROBE_SECONDS):
            await store.probe()
    except TimeoutError:
        return f"no answer within {PROBE_SECONDS} s"
    except DatabaseUnavailable as error:
        return str(error)
    except Exception as error:  # whatever it is, the shard serves nobody
        return f"refused: {type(error).__name__}"
    return READY
