"""Metrics of the ledger: how its operations end, never whose they were."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

from prometheus_client import Counter

from app.credits.errors import CreditsError
from app.events import EventStoreError


class LedgerMetrics:
    """Register `operations` with the registry of the process."""

    def __init__(self) -> None:
        self.operations = Counter(
            "fortress_ledger_operations",
            "Changes that the ledger was asked for, by what became of them.",
            ["operation", "outcome"],
            registry=None,
        )

    def count(self, operation: str, outcome: str) -> None:
        """Count one."""
        self.operations.labels(operation, outcome).inc()


class Measured(Protocol):
    """Whatever has metrics."""

    metrics: LedgerMetrics


Owner = TypeVar("Owner", bound=Measured)
Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")
Operation = Callable[Concatenate[Owner, Parameters], Awaitable[Result]]


def counted(operation: Operation[Owner, Parameters, Result]) -> Operation[Owner, Parameters, Result]:
    """Count how the operation ends: `done`, the name of the refusal, or `failed`."""
    name = operation.__name__

    @wraps(operation)
    async def measured(owner: Owner, /, *arguments: Parameters.args, **named: Parameters.kwargs) -> Result:
        outcome = "failed"
        try:
            result: Any = await operation(owner, *arguments, **named)
            outcome = "done"
        except (CreditsError, EventStoreError) as refusal:
            outcome = type(refusal).__name__
            raise
        finally:
            owner.metrics.count(name, outcome)
        return result  # type: ignore[no-any-return]

    return measured
