"""The latency and failure profile of a ledger, measured from its metrics, for a decoy on other machines.

On equal machines the same code takes the same time, and no profile is needed. A decoy on a quiet machine would be too
fast and never fail: with a profile its responses wait for a time drawn from the ledger's, and some fail.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Annotated

from prometheus_client.parser import text_string_to_metric_families
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.camouflage.errors import WrongProfile

SECONDS = "fortress_http_request_seconds"
REQUESTS = "fortress_http_requests"
FAILED = "503"
QUIET = frozenset({"/healthz", "/readyz", "/metrics", "unmatched"})
FEWEST = 100
"""Requests that a route needs to get a profile."""
OPERATIONS = {
    "GET /accounts/{account}": "balance",
    "GET /accounts/{account}/statement": "statement",
    "GET /accounts/{account}/reservations": "reservations",
    "GET /accounts/{account}/reservations/{reservation}": "reservation",
    "POST /accounts/{account}/grants": "grant",
    "POST /accounts/{account}/spends": "spend",
    "POST /accounts/{account}/reservations": "reserve",
    "POST /accounts/{account}/reservations/{reservation}/capture": "capture",
    "POST /accounts/{account}/reservations/{reservation}/release": "release",
    "POST /accounts/{account}/close": "close",
    "POST /accounts/{account}/expire": "expire",
    "POST /transfers": "transfer",
}
"""The ledger operation behind each route."""

Now = Callable[[], float]


class RouteProfile(BaseModel):
    """Latency and failures of one route."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    bounds: list[Annotated[float, Field(ge=0)]]
    """Upper bounds of the histogram's buckets in seconds, rising from 0."""
    shares: list[Annotated[float, Field(ge=0, le=1)]]
    """Share of responses within each bound."""
    failures: Annotated[float, Field(ge=0, le=1)] = 0
    """Share of requests that failed because of a database."""

    @model_validator(mode="after")
    def _agree(self) -> RouteProfile:
        if len(self.bounds) != len(self.shares) or len(self.bounds) < 2:
            raise ValueError("bounds and shares are two lists of one length, 2 or more")
        for name, values in (("bounds", self.bounds), ("shares", self.shares)):
            if any(after < before for before, after in pairwise(values)):
                raise ValueError(f"{name} do not rise")
        return self

    def seconds(self, share: float) -> float:
        """Return the quantile `share` of the latency, interpolated between bounds."""
        for (low, high), (before, upto) in zip(pairwise(self.bounds), pairwise(self.shares), strict=True):
            if share <= upto:
                return low + (high - low) * (share - before) / (upto - before) if upto > before else low
        return self.bounds[-1]


class Profile(BaseModel):
    """The routes that were used often enough."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    routes: dict[str, RouteProfile]
    """Keys are method and template: `GET /accounts/{account}`."""

    def failures(self) -> dict[str, float]:
        """Return the share of failures of each ledger operation."""
        return {OPERATIONS[name]: route.failures for name, route in self.routes.items() if name in OPERATIONS}


def measure_profile(expositions: Sequence[str]) -> Profile:
    """Measure a profile from the `/metrics` texts of the ledger's processes; raises WrongProfile."""
    buckets: dict[str, dict[float, float]] = defaultdict(lambda: defaultdict(float))
    answered: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    for text in expositions:
        try:
            samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
        except ValueError as error:
            raise WrongProfile(f"these are no metrics: {error}") from None
        for sample in samples:
            name = f"{sample.labels.get('method')} {sample.labels.get('route')}"
            if sample.name == f"{SECONDS}_bucket":
                buckets[name][float(sample.labels["le"])] += sample.value
            elif sample.name == f"{REQUESTS}_total":
                answered[name][sample.labels["status"]] += sample.value
    routes = {
        name: _measure_route(found, answered[name])
        for name, found in sorted(buckets.items())
        if found[float("inf")] >= FEWEST and name.split()[-1] not in QUIET
    }
    if not routes:
        raise WrongProfile(f"no route of the ledger has answered {FEWEST} requests yet")
    return Profile(routes=routes)


def read_profile(path: Path) -> Profile:
    """Read a profile from a file; raises WrongProfile."""
    try:
        return Profile.model_validate_json(path.read_bytes())
    except OSError as error:
        raise WrongProfile(f"{path} cannot be read: {error.strerror}") from None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the document"
        raise WrongProfile(f"{path}: {where}: {first['msg']}") from None


class Paced:
    """Middleware that delays responses to latencies drawn from a profile."""

    def __init__(
        self,
        app: ASGIApp,
        profile: Profile,
        *,
        draw: Callable[[], float] = random.random,
        now: Now = time.perf_counter,
    ) -> None:
        self._app = app
        self._routes = profile.routes
        self._draw = draw
        self._now = now

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = self._now()

        async def send_in_time(message: Message) -> None:
            if message["type"] == "http.response.start":
                await asyncio.sleep(max(0.0, self._draw_seconds(scope) - (self._now() - began)))
            await send(message)

        await self._app(scope, receive, send_in_time)

    def _draw_seconds(self, scope: Scope) -> float:
        template = scope.get("fortress.route") or getattr(scope.get("route"), "path", None)
        route = self._routes.get(f"{scope['method']} {template}")
        return route.seconds(self._draw()) if route else 0.0


def _measure_route(buckets: dict[float, float], answered: dict[str, float]) -> RouteProfile:
    bounds = sorted(bound for bound in buckets if bound != float("inf"))
    # Responses beyond the last bound count as being at it.
    within = buckets[bounds[-1]] or 1.0
    total = sum(answered.values()) or 1.0
    return RouteProfile(
        bounds=[0.0, *bounds],
        shares=[0.0, *(min(1.0, buckets[bound] / within) for bound in bounds)],
        failures=answered.get(FAILED, 0.0) / total,
    )
