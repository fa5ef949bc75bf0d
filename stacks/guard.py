"""Check that the provider plugins fit the execution mode, before the first resource is registered."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from stacks.environment import Environment, ExecutionMode

MARKER = "EMULATORS"
PLUGINS = {"aws": "aws", "azure": "azure-native", "gcp": "gcp"}


class PluginMismatch(Exception):
    """A simulated stack would use real provider plugins, or a real stack would use emulators."""


def find_emulators(packages: Sequence[str], variables: Mapping[str, str]) -> dict[str, bool]:
    """Return for each Pulumi package whether the engine would load an emulator as its plugin.

    The engine prefers a `pulumi-resource-<package>` on PATH, unless told not to, over the plugins in its own home. The
    folder of an emulator has a marker file.
    """
    return {package: _is_emulator(_find_plugin(package, variables)) for package in packages}


def _find_plugin(package: str, variables: Mapping[str, str]) -> Path | None:
    program = f"pulumi-resource-{package}"
    if variables.get("PULUMI_IGNORE_AMBIENT_PLUGINS", "").lower() not in ("true", "1"):
        ambient = shutil.which(program, path=variables.get("PATH", os.defpath))
        if ambient:
            return Path(ambient)
    home = Path(variables.get("PULUMI_HOME") or Path.home() / ".pulumi")
    return next(iter(sorted(home.glob(f"plugins/resource-{package}-v*/{program}"))), None)


def _is_emulator(plugin: Path | None) -> bool:
    return plugin is not None and (plugin.resolve().parent / MARKER).is_file()


def check_plugins(environment: Environment, variables: Mapping[str, str]) -> None:
    """Raise PluginMismatch if a provider plugin does not fit the environment's execution mode.

    `variables` is the environment that the engine runs in.
    """
    packages = [*(PLUGINS[cloud] for cloud in environment.clouds), "kubernetes"]
    simulated = find_emulators(packages, variables)
    real = environment.mode is ExecutionMode.REAL
    wrong = sorted(package for package, emulator in simulated.items() if emulator == real)
    if not wrong:
        return
    if real:
        raise PluginMismatch(
            f"{environment.name} names real accounts, but {', '.join(wrong)} would be emulators:"
            " leave the shell that `make shell` opened, or rehearse it with `make rehearse`"
        )
    raise PluginMismatch(
        f"{environment.name} is simulated, but {', '.join(wrong)} would be real provider plugins:"
        " run it through `make` or `fortress`, or in the shell that `make shell` opens"
    )


def describe_mode(environment: Environment) -> str:
    """Return the first line of every simulated run."""
    if environment.mode is ExecutionMode.LOCAL:
        return "Simulated: emulators answer for the clouds; databases and app are real processes on this machine."
    return f"Simulated: a rehearsal of {environment.name} on emulators that only record; no account is touched."
