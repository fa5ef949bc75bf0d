"""Prometheus metrics of transfers and prepared transactions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from prometheus_client import Counter
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from app.transfers.model import Prepared

OVERDUE_SECONDS = 1.0
"""Age from which a prepared transaction counts as overdue: it holds up every reader that tails its shard."""


class TransferMetrics(Collector):
    """Counters and gauges of transfers. Register it with the registry of the process."""

    def __init__(self) -> None:
        self._transfers = Counter("fortress_transfers", "Transfers by outcome.", ["outcome"], registry=None)
        self._resolved = Counter(
            "fortress_transfers_resolved",
            "Prepared branches settled in place of their coordinator, by decision.",
            ["shard", "decision"],
            registry=None,
        )
        self._unresolved = Counter(
            "fortress_transfers_unresolved",
            "Failed attempts to settle a prepared branch: a shard did not answer or is not known.",
            ["shard", "decider"],
            registry=None,
        )
        self._prepared: dict[str, Sequence[Prepared]] = {}

    def count(self, outcome: str) -> None:
        """Count a transfer by outcome."""
        self._transfers.labels(outcome).inc()

    def resolved(self, shard: str, decision: str) -> None:
        """Count a branch settled in place of its coordinator."""
        self._resolved.labels(shard, decision).inc()

    def unresolved(self, shard: str, decider: str) -> None:
        """Count a failed attempt to settle a branch."""
        self._unresolved.labels(shard, decider).inc()

    def saw(self, shard: str, prepared: Sequence[Prepared]) -> None:
        """Record the prepared transactions of a shard."""
        self._prepared[shard] = prepared

    def collect(self) -> Iterable[Metric]:
        """Yield all metrics as they are now."""
        for counter in (self._transfers, self._resolved, self._unresolved):
            yield from counter.collect()
        count = GaugeMetricFamily("fortress_prepared_transactions", "Prepared transactions.", labels=["shard"])
        overdue = GaugeMetricFamily(
            "fortress_prepared_transactions_overdue",
            f"Prepared transactions older than {OVERDUE_SECONDS:g} s: each holds up every reader that tails the shard.",
            labels=["shard"],
        )
        oldest = GaugeMetricFamily(
            "fortress_prepared_transaction_seconds", "Age of the oldest prepared transaction.", labels=["shard"]
        )
        for shard, prepared in self._prepared.items():
            ages = [max(0.0, transaction.seconds) for transaction in prepared]
            count.add_metric([shard], len(ages))
            overdue.add_metric([shard], sum(age > OVERDUE_SECONDS for age in ages))
            oldest.add_metric([shard], max(ages, default=0.0))
        yield from (count, overdue, oldest)
