"""The Pulumi program: read the environment, keep the worlds apart, build the estate."""

from __future__ import annotations

import os

import pulumi
from pulumi.runtime.config import get_config_env

from stacks.environment import World, read_environment
from stacks.estate import build
from stacks.guard import WorldsMixed, first_line, keep_worlds_apart
from stacks.invalid_settings import InvalidSettings


def main() -> None:
    """Every fault of the settings is one line of the engine's, without a traceback."""
    stack = pulumi.get_stack()
    try:
        environment = read_environment(stack, get_config_env(), f"stacks/config/Pulumi.{stack}.yaml")
        keep_worlds_apart(environment, os.environ)
    except (InvalidSettings, WorldsMixed) as fault:
        raise pulumi.RunError(str(fault)) from None
    if environment.world is not World.REAL:
        pulumi.log.info(first_line(environment))
    for name, value in build(environment).outputs().items():
        pulumi.export(name, value)


main()
