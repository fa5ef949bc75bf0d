"""The connections that all processes of the app may hold, and the server limits that follow. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from components.app_deployment import Replicas
from components.database.settings import MOST_CONNECTIONS, Limits, Tier
from stacks.environment import PROJECT, App, Environment
from stacks.invalid_settings import InvalidSettings

BESIDE = 2
"""Connections of a process outside its pools, as in `app.connection_limits`; a test keeps the two equal."""
SPARE = 60
"""Connections for operators, migrations, slot moves and the clouds themselves (15 on Azure, the most of the three)."""
STEP = 100
"""Limits are multiples of this, because a change restarts the server."""


@dataclass(frozen=True)
class ConnectionPlan:
    """The connections of one environment."""

    processes: int
    """Most processes at once in all clouds, including those that start and stop during a release."""
    limits: Limits
    """Limits of every server, because every process connects to every home."""


def plan_connections(environment: Environment, source: str) -> ConnectionPlan:
    """Return the plan; raise InvalidSettings if the servers allow fewer connections. `source` is the settings file."""
    processes = len(environment.clouds) * get_replicas(environment.app).most
    needed = processes * count_per_process(environment.app.pool_size) + SPARE
    most = MOST_CONNECTIONS[Tier(environment.database.size)]
    if needed > most:
        raise InvalidSettings(
            f"{source}: {PROJECT}:app.maxReplicas = {environment.app.max_replicas}: {processes} processes of "
            f"{count_per_process(environment.app.pool_size)} connections, and {SPARE} to spare, need {needed} of every"
            f" database server, but size {environment.database.size} takes {most}:"
            f" lower it or app.poolSize ({environment.app.pool_size}), or raise database.size"
        )
    prepared = min(2 * environment.app.pool_size * processes, needed)
    return ConnectionPlan(
        processes, Limits(max_connections=_round_up(needed), max_prepared_transactions=_round_up(prepared))
    )


def count_per_process(pool_size: int) -> int:
    """Return the most connections of one process to one server, as the app counts them."""
    return 2 * pool_size + (pool_size + 1) // 2 + BESIDE


def get_replicas(app: App) -> Replicas:
    """Return the replicas of the deployment."""
    return Replicas(minimum=app.min_replicas, maximum=app.max_replicas, min_available=app.min_available)


def _round_up(number: int) -> int:
    return -(-number // STEP) * STEP
