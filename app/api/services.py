"""The parts that serve requests, built once per process."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, cast

from fastapi import Depends, Request

from app.api.cursors import Cursors
from app.api.rates import Rates
from app.api.readiness import Readiness
from app.api.telemetry import Metrics
from app.credits import Ledger
from app.tokens import Caller, KnownCallers


@dataclass(frozen=True)
class Services:
    """The parts that routes use."""

    ledger: Ledger
    callers: KnownCallers
    rates: Rates
    cursors: Cursors
    readiness: Readiness
    metrics: Metrics
    views: Callable[[Caller], Ledger] | None = None
    """The ledger as a caller sees it, if callers see different accounts."""

    def ledger_of(self, caller: Caller) -> Ledger:
        """Return the ledger as `caller` sees it."""
        return self.ledger if self.views is None else self.views(caller)


def services_of(request: Request) -> Services:
    """Return the services of the application that received a request."""
    return cast(Services, request.app.state.services)


Injected = Annotated[Services, Depends(services_of)]
"""The services, as a parameter of an operation."""
