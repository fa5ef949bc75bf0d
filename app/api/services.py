"""What requests are served with, put together once a process."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from fastapi import Request

from app.api.cursors import Cursors
from app.api.rates import Rates
from app.api.readiness import Readiness
from app.api.telemetry import Metrics
from app.credits import Ledger
from app.tokens import KnownCallers


@dataclass(frozen=True)
class Services:
    """The parts that routes use."""

    ledger: Ledger
    callers: KnownCallers
    rates: Rates
    cursors: Cursors
    readiness: Readiness
    metrics: Metrics


def services_of(request: Request) -> Services:
    """The services of the application that a request came to."""
    return cast(Services, request.app.state.services)
