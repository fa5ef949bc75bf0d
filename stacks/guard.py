"""Keeps simulated and real worlds apart, before the first resource is registered."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from stacks.environment import Environment, World

MARKER = "STAND-INS"
PLUGINS = {"aws": "aws", "azure": "azure-native", "gcp": "gcp"}


class WorldsMixed(Exception):
    """A simulated stack would meet real provider plugins, or a real one would meet stand-ins."""


def stand_ins_on_path(packages: Sequence[str], search_path: str | None = None) -> dict[str, bool]:
    """For each Pulumi package: whether the plugin that the engine would take from PATH is a stand-in.

    The engine prefers a `pulumi-resource-<package>` on PATH over its own plugins; a stand-in's folder has a marker.
    """
    found = {package: shutil.which(f"pulumi-resource-{package}", path=search_path) for package in packages}
    return {
        package: path is not None and (Path(path).resolve().parent / MARKER).is_file()
        for package, path in found.items()
    }


def keep_worlds_apart(environment: Environment, search_path: str | None = None) -> None:
    """Raises WorldsMixed where the stack's world and the provider plugins on PATH do not belong together."""
    packages = [*(PLUGINS[cloud] for cloud in environment.clouds), "kubernetes"]
    simulated = stand_ins_on_path(packages, search_path or os.environ.get("PATH"))
    real_world = environment.world is World.REAL
    wrong = sorted(package for package, stand_in in simulated.items() if stand_in == real_world)
    if not wrong:
        return
    if real_world:
        raise WorldsMixed(
            f"{environment.name} names real accounts, but {', '.join(wrong)} on PATH are stand-ins:"
            " take localcloud/bin off PATH, or rehearse it with `make rehearse`"
        )
    raise WorldsMixed(
        f"{environment.name} is simulated, but {', '.join(wrong)} would be real provider plugins:"
        " run it through `make` or `fortress`, or put localcloud/bin first on PATH (`make shell`)"
    )


def first_line(environment: Environment) -> str:
    """What every simulated run says before anything else."""
    if environment.world is World.LOCAL:
        return "Simulated: stand-ins answer for the clouds; databases and app are real processes on this machine."
    return f"Simulated: a rehearsal of {environment.name} on stand-ins that only record; no account is touched."
