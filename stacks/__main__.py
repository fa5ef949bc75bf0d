"""The Pulumi program: read the environment, check the plugins, build the estate."""

from __future__ import annotations

import gc
import os

import pulumi
from pulumi.runtime.config import get_config_env
from pulumi.runtime.settings import _get_rpc_manager

from stacks.connections import plan_connections
from stacks.environment import ExecutionMode, read_environment
from stacks.guard import PluginMismatch, check_plugins, describe_mode
from stacks.invalid_settings import InvalidSettings
from stacks.sdk import drop_debug_messages, make_lazy, settle_outputs


def main() -> None:
    """Deploy the environment; report wrong settings in one line each, without a traceback."""
    # The program runs for seconds and frees almost nothing; garbage collection would take a quarter of that time.
    gc.disable()
    drop_debug_messages(os.environ)
    stack = pulumi.get_stack()
    source = f"stacks/config/Pulumi.{stack}.yaml"
    try:
        environment = read_environment(stack, get_config_env(), source)
        check_plugins(environment, os.environ)
        connections = plan_connections(environment, source)
    except (InvalidSettings, PluginMismatch) as fault:
        raise pulumi.RunError(str(fault)) from None
    if environment.mode is not ExecutionMode.REAL:
        pulumi.log.info(describe_mode(environment))
    make_lazy()
    from stacks.estate import build

    for name, value in build(environment, connections).outputs().items():
        pulumi.export(name, value)
    settle_outputs(_get_rpc_manager())


main()
