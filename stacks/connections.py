"""What all processes of the app together may hold of a database server, and its limits that follow. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from components.app_deployment import Replicas
from components.database.settings import MOST_CONNECTIONS, Limits, Tier
from stacks.environment import PROJECT, App, Environment
from stacks.invalid_settings import InvalidSettings

BESIDE = 2
"""Connections of a process beside its pools; `app.budget` tells of what, and a test holds the two together."""
SPARE = 60
"""For operators, migrations and moves of slots, and for what the clouds keep: 15 on Azure, the most of the three."""
STEP = 100
"""Limits are multiples of this: a server has to restart for another one, so few changes are to lead to one."""


@dataclass(frozen=True)
class ConnectionPlan:
    """Of one environment."""

    processes: int
    """Most that run at once in all clouds, those that come and go with a release included."""
    limits: Limits
    """Of every server, since every process asks every home."""


def plan_connections(environment: Environment, source: str) -> ConnectionPlan:
    """Raises InvalidSettings where servers of the environment's size take fewer; `source` is the settings file."""
    processes = len(environment.clouds) * replicas_of(environment.app).most
    needed = processes * per_process(environment.app.pool_size) + SPARE
    most = MOST_CONNECTIONS[Tier(environment.database.size)]
    if needed > most:
        raise InvalidSettings(
            f"{source}: {PROJECT}:app.maxReplicas = {environment.app.max_replicas}: {processes} processes of "
            f"{per_process(environment.app.pool_size)} connections, and {SPARE} to spare, need {needed} of every"
            f" database server, but size {environment.database.size} takes {most}:"
            f" lower it or app.poolSize ({environment.app.pool_size}), or raise database.size"
        )
    prepared = min(2 * environment.app.pool_size * processes, needed)
    return ConnectionPlan(processes, Limits(max_connections=_up(needed), max_prepared_transactions=_up(prepared)))


def per_process(pool_size: int) -> int:
    """Most connections of one process to one server: as `app.budget` counts them."""
    return 2 * pool_size + (pool_size + 1) // 2 + BESIDE


def replicas_of(app: App) -> Replicas:
    """As the deployment takes it."""
    return Replicas(minimum=app.min_replicas, maximum=app.max_replicas, min_available=app.min_available)


def _up(number: int) -> int:
    return -(-number // STEP) * STEP
