"""Metrics and logs of requests. They never contain an account, a token or a person."""

from __future__ import annotations

import itertools
import re
import secrets
import time
from collections.abc import Callable, Iterable, Mapping
from functools import cache

import structlog
from prometheus_client import CollectorRegistry, Counter, Histogram, Info, disable_created_metrics
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.api.problems import problem

BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
POOL_GAUGES = {
    "pool_size": ("fortress_pool_connections", "Connections to a shard, those being made included."),
    "pool_available": ("fortress_pool_connections_idle", "Connections to a shard that nobody uses."),
    "requests_waiting": ("fortress_pool_waiting", "Requests that wait for a connection to a shard."),
    "connections_errors": ("fortress_pool_connection_errors", "Connections to a shard that could not be made."),
}
QUIET_ROUTES = frozenset({"/healthz", "/readyz", "/metrics"})
REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
UNMATCHED = "unmatched"

_PROCESS = secrets.token_hex(8)
_REQUESTS = itertools.count()

log = structlog.get_logger(__name__)

disable_created_metrics()  # type: ignore[no-untyped-call]  # they double the metrics and help nobody

PoolStatistics = Callable[[], Mapping[str, Mapping[str, int]]]


class Metrics:
    """The Prometheus metrics of one application."""

    media_type = CONTENT_TYPE_LATEST

    def __init__(self, *, version: str, environment: str, cloud: str, pools: PoolStatistics) -> None:
        self._registry = CollectorRegistry()
        labels = ["method", "route", "status"]
        self._requests = Counter("fortress_http_requests", "Requests answered.", labels, registry=self._registry)
        self._seconds = Histogram(
            "fortress_http_request_seconds",
            "Time from a request's arrival to the end of its answer.",
            ["method", "route"],
            buckets=BUCKETS,
            registry=self._registry,
        )
        build = Info("fortress_build", "What runs here.", registry=self._registry)
        build.info({"version": version, "environment": environment, "cloud": cloud})
        self._registry.register(_Pools(pools))
        # Looking up a label costs more than counting; there are few combinations.
        self._count = cache(lambda method, route, status: self._requests.labels(method, route, str(status)).inc)
        self._time = cache(lambda method, route: self._seconds.labels(method, route).observe)

    def observe(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count a request."""
        self._count(method, route, status)()
        self._time(method, route)(seconds)

    def register(self, collector: Collector) -> None:
        """Publish the metrics of another part of the application."""
        self._registry.register(collector)

    def exposition(self) -> bytes:
        """Return all metrics in Prometheus' text format."""
        return generate_latest(self._registry)


class _Pools(Collector):
    def __init__(self, statistics: PoolStatistics) -> None:
        self._statistics = statistics

    def collect(self) -> Iterable[Metric]:
        by_shard = self._statistics()
        for key, (name, documentation) in POOL_GAUGES.items():
            gauge = GaugeMetricFamily(name, documentation, labels=["shard"])
            for shard, numbers in by_shard.items():
                gauge.add_metric([shard], numbers.get(key, 0))
            yield gauge


class Telemetry:
    """Outermost middleware: gives every request an id, counts and logs it, and turns a crash into a problem."""

    def __init__(self, app: ASGIApp, metrics: Metrics, is_draining: Callable[[], bool]) -> None:
        self._app = app
        self._metrics = metrics
        self._is_draining = is_draining

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        identity = scope["request_id"] = _request_id(scope)
        started = time.perf_counter()
        status = 0

        async def send_and_note(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", ()), (b"x-request-id", identity.encode())]
                if self._is_draining():
                    message["headers"].append((b"connection", b"close"))
            await send(message)

        tokens = structlog.contextvars.bind_contextvars(request_id=identity)
        try:
            await self._app(scope, receive, send_and_note)
        except Exception:
            log.exception("request crashed", method=scope["method"], route=_route(scope))
            if status:
                raise  # the answer has begun: only a broken connection can signal the error
            await problem(500, "an unexpected error; its request id is in the log")(scope, receive, send_and_note)
        finally:
            self._note(scope, status or 499, time.perf_counter() - started)
            structlog.contextvars.reset_contextvars(**tokens)

    def _note(self, scope: Scope, status: int, seconds: float) -> None:
        route = _route(scope)
        self._metrics.observe(_method(scope), route, status, seconds)
        if status >= 500 or not (route in QUIET_ROUTES or _is_quiet(scope, status)):
            log.info("request", method=_method(scope), route=route, status=status, ms=round(seconds * 1000, 1))


def _request_id(scope: Scope) -> str:
    for name, value in scope["headers"]:
        if name == b"x-request-id":
            given: str = value.decode("latin-1")
            if REQUEST_ID.fullmatch(given):
                return given
    # Unique without random bytes per request: an id of the process and the number of the request.
    return f"{_PROCESS}{next(_REQUESTS):016x}"


def _route(scope: Scope) -> str:
    """Return the route's template: few labels, and no account in them."""
    path = scope.get("fortress.route") or getattr(scope.get("route"), "path", None)
    return path if isinstance(path, str) else UNMATCHED


def _is_quiet(scope: Scope, status: int) -> bool:
    """Return whether a request is a successful read: it is counted, but a log line would cost more than the read."""
    return status < 400 and scope["method"] == "GET"


def _method(scope: Scope) -> str:
    method: str = scope["method"]
    return method if method in {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"} else "other"
