"""What transfers and prepared transactions tell of themselves."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from prometheus_client import Counter
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from app.transfers.model import Prepared

OVERDUE_SECONDS = 1.0
"""From this age on a prepared transaction is one too old: it holds every tailing reader of its shard."""


class TransferMetrics(Collector):
    """Register it with the registry of the process."""

    def __init__(self) -> None:
        self._transfers = Counter("fortress_transfers", "Transfers by what became of them.", ["outcome"], registry=None)
        self._resolved = Counter(
            "fortress_transfers_resolved",
            "Prepared halves that their coordinator had left, by what was decided on them.",
            ["shard", "decision"],
            registry=None,
        )
        self._unresolved = Counter(
            "fortress_transfers_unresolved",
            "Attempts to settle a prepared half that failed since a shard did not answer or is not known.",
            ["shard", "decider"],
            registry=None,
        )
        self._prepared: dict[str, Sequence[Prepared]] = {}

    def count(self, outcome: str) -> None:
        """Count a transfer."""
        self._transfers.labels(outcome).inc()

    def resolved(self, shard: str, decision: str) -> None:
        """Count a half that was settled in its coordinator's place."""
        self._resolved.labels(shard, decision).inc()

    def unresolved(self, shard: str, decider: str) -> None:
        """Count a half that could not be settled now."""
        self._unresolved.labels(shard, decider).inc()

    def saw(self, shard: str, prepared: Sequence[Prepared]) -> None:
        """Keep what is prepared on a shard."""
        self._prepared[shard] = prepared

    def collect(self) -> Iterable[Metric]:
        """All metrics as they are now."""
        for counter in (self._transfers, self._resolved, self._unresolved):
            yield from counter.collect()
        count = GaugeMetricFamily("fortress_prepared_transactions", "Prepared transactions.", labels=["shard"])
        overdue = GaugeMetricFamily(
            "fortress_prepared_transactions_overdue",
            f"Prepared transactions older than {OVERDUE_SECONDS:g} s: each holds every tailing reader of the shard.",
            labels=["shard"],
        )
        oldest = GaugeMetricFamily(
            "fortress_prepared_transaction_seconds", "Age of the oldest prepared transaction.", labels=["shard"]
        )
        for shard, prepared in self._prepared.items():
            ages = [max(0.0, each.seconds) for each in prepared]
            count.add_metric([shard], len(ages))
            overdue.add_metric([shard], sum(age > OVERDUE_SECONDS for age in ages))
            oldest.add_metric([shard], max(ages, default=0.0))
        yield from (count, overdue, oldest)
