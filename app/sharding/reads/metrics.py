"""The servers that reads go to, as Prometheus metrics."""

from __future__ import annotations

from collections.abc import Iterable

from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from app.sharding.reads.read_router import ReadRouter

LABELS = ("shard", "server", "role")
CIRCUIT = {"closed": 0, "half_open": 1, "open": 2}


class ReadMetrics(Collector):
    """Lag, circuit and reads of every server. Register it with the registry of the process."""

    def __init__(self, reads: ReadRouter) -> None:
        self._reads = reads

    def collect(self) -> Iterable[Metric]:
        """Yield the metrics as they are now."""
        lag = GaugeMetricFamily(
            "fortress_read_server_lag_seconds",
            "Upper bound of the age of a server's data; +Inf if unknown.",
            labels=LABELS,
        )
        circuit = GaugeMetricFamily(
            "fortress_read_server_circuit", "0 closed, 1 half open, 2 open: all reads are refused.", labels=LABELS
        )
        reads = CounterMetricFamily("fortress_read_server_reads", "Reads that a server answered.", labels=LABELS)
        for state in self._reads.states():
            labels = (state.shard, state.server, state.role)
            lag.add_metric(labels, state.lag_seconds)
            circuit.add_metric(labels, CIRCUIT[state.circuit])
            reads.add_metric(labels, state.reads)
        return [lag, circuit, reads]
