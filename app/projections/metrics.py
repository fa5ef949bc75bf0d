"""How far read models are behind, as Prometheus metrics."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence

from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from app.background import Worker
from app.projections.projection import ProjectionLag
from app.projections.projector import COUNTED, Database, lags

LOOK_SECONDS = 5.0
LABELS = ("shard", "projection", "state")


class ProjectionMetrics(Collector):
    """Register it with the registry of the process; a worker a shard keeps it up to date."""

    def __init__(self) -> None:
        self._lags: dict[str, Sequence[ProjectionLag]] = {}

    def watching(self, database: Database, *, look_seconds: float = LOOK_SECONDS) -> Worker:
        """Return a worker that reads the lag of a shard's read models repeatedly."""
        shard = database.shard.name

        async def look() -> None:
            try:
                while True:
                    self._lags[shard] = await lags(database)
                    await asyncio.sleep(look_seconds)
            finally:
                # Rather no figure than one that nobody looks after.
                self._lags.pop(shard, None)

        return Worker(f"lag of projections on {shard}", look)

    def collect(self) -> Iterable[Metric]:
        """Return the current metrics."""
        events = GaugeMetricFamily(
            "fortress_projection_lag_events",
            f"Events that a read model lacks; {COUNTED} also where there are more.",
            labels=LABELS,
        )
        seconds = GaugeMetricFamily(
            "fortress_projection_lag_seconds", "Age of the oldest event that a read model lacks.", labels=LABELS
        )
        for shard, each in self._lags.items():
            for lag in each:
                labels = (shard, lag.projection, lag.state)
                events.add_metric(labels, lag.events)
                seconds.add_metric(labels, lag.seconds)
        yield from (events, seconds)
