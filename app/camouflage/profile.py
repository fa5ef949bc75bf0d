"""How long the ledger takes and how often its databases fail, by its own metrics, for a decoy that stands elsewhere.

Where both stand side by side the same code takes the same time, and there is nothing to do. A decoy on a quiet machine
of its own is too fast and never fails: then answers wait until a time that is drawn from the ledger's, and some fail.
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

from app.camouflage.errors import CamouflageError

SECONDS = "fortress_http_request_seconds"
REQUESTS = "fortress_http_requests"
FAILED = "503"
QUIET = frozenset({"/healthz", "/readyz", "/metrics", "unmatched"})
FEWEST = 100
"""Requests behind what is said of a route."""
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
"""What the ledger is asked by which route."""

Now = Callable[[], float]


class WrongProfile(CamouflageError):
    """A profile, or metrics to make one of, cannot be read; says where."""


class RouteProfile(BaseModel):
    """One route of the API."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    bounds: list[Annotated[float, Field(ge=0)]]
    """Seconds, rising: those of a histogram's buckets, from 0 on."""
    shares: list[Annotated[float, Field(ge=0, le=1)]]
    """Of the answers, how many took no longer than each bound."""
    failures: Annotated[float, Field(ge=0, le=1)] = 0
    """Share of requests that a database failed."""

    @model_validator(mode="after")
    def _agree(self) -> RouteProfile:
        if len(self.bounds) != len(self.shares) or len(self.bounds) < 2:
            raise ValueError("bounds and shares are two lists of one length, 2 or more")
        for name, values in (("bounds", self.bounds), ("shares", self.shares)):
            if any(after < before for before, after in pairwise(values)):
                raise ValueError(f"{name} do not rise")
        return self

    def seconds(self, share: float) -> float:
        """How long the quickest `share` of answers take at most; between two bounds they are taken to be spread."""
        for (low, high), (before, upto) in zip(pairwise(self.bounds), pairwise(self.shares), strict=True):
            if share <= upto:
                return low + (high - low) * (share - before) / (upto - before) if upto > before else low
        return self.bounds[-1]


class Profile(BaseModel):
    """All routes that were used often enough."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    routes: dict[str, RouteProfile]
    """By method and template: `GET /accounts/{account}`."""

    def failures(self) -> dict[str, float]:
        """How often each operation of the ledger fails."""
        return {OPERATIONS[name]: route.failures for name, route in self.routes.items() if name in OPERATIONS}


def measured(expositions: Sequence[str]) -> Profile:
    """The profile in metrics of the ledger's processes, as `/metrics` shows them; raises WrongProfile."""
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
        name: _route(found, answered[name])
        for name, found in sorted(buckets.items())
        if found[float("inf")] >= FEWEST and name.split()[-1] not in QUIET
    }
    if not routes:
        raise WrongProfile(f"no route of the ledger has answered {FEWEST} requests yet")
    return Profile(routes=routes)


def read_profile(path: Path) -> Profile:
    """The profile in a file; raises WrongProfile."""
    try:
        return Profile.model_validate_json(path.read_bytes())
    except OSError as error:
        raise WrongProfile(f"{path} cannot be read: {error.strerror}") from None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the document"
        raise WrongProfile(f"{path}: {where}: {first['msg']}") from None


class Paced:
    """Lets an answer wait until it has taken as long as one of the ledger's."""

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
                await asyncio.sleep(max(0.0, self._wanted(scope) - (self._now() - began)))
            await send(message)

        await self._app(scope, receive, send_in_time)

    def _wanted(self, scope: Scope) -> float:
        template = scope.get("fortress.route") or getattr(scope.get("route"), "path", None)
        route = self._routes.get(f"{scope['method']} {template}")
        return route.seconds(self._draw()) if route else 0.0


def _route(buckets: dict[float, float], answered: dict[str, float]) -> RouteProfile:
    bounds = sorted(bound for bound in buckets if bound != float("inf"))
    # What is beyond the last bound is taken to be at it.
    within = buckets[bounds[-1]] or 1.0
    total = sum(answered.values()) or 1.0
    return RouteProfile(
        bounds=[0.0, *bounds],
        shares=[0.0, *(min(1.0, buckets[bound] / within) for bound in bounds)],
        failures=answered.get(FAILED, 0.0) / total,
    )
