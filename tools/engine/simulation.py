"""The engine with emulators for its providers, and a backend of its own: for every run that touches no real account."""

from __future__ import annotations

import contextlib
import os
from importlib.metadata import version
from pathlib import Path

from localcloud.sandbox import CHECKOUT, Sandbox
from tools.engine.engine import Engine

PLUGINS_FOLDER = CHECKOUT / "localcloud" / "bin"
PACKAGES = ("aws", "azure-native", "gcp", "kubernetes")
STATE_AT_THE_END = {"PULUMI_EXPERIMENTAL": "true", "PULUMI_SKIP_CHECKPOINTS": "true"}
"""Writing the whole state after every step makes a simulated run four times slower. A crash loses nothing: whatever
the emulators have made is found again by its URN."""


def engine_variables(engine: Engine, sandbox: Sandbox | None) -> dict[str, str]:
    """Return environment variables for the engine; with a sandbox also its own backend, secrets and plugins.

    The passphrase of a simulated stack is empty on purpose: it holds no secret of worth and stays on the machine.
    """
    variables = engine.variables(os.environ.get("PATH", os.defpath))
    if sandbox is None:
        return variables
    return {
        **variables,
        **STATE_AT_THE_END,
        "LOCALCLOUD_HOME": str(sandbox.root),
        "PULUMI_HOME": str(_engine_home(sandbox)),
        "PULUMI_IGNORE_AMBIENT_PLUGINS": "true",
        "PULUMI_BACKEND_URL": f"file://{sandbox.folder('state')}",
        "PULUMI_CONFIG_PASSPHRASE": "",
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
    }


def _engine_home(sandbox: Sandbox) -> Path:
    """Return the engine's own folder of the sandbox; its provider plugins are the emulators.

    From there the engine takes them without a warning, and it ignores plugins on PATH.
    """
    folder = sandbox.folder("pulumi")
    for package in PACKAGES:
        program = f"pulumi-resource-{package}"
        link = sandbox.folder("pulumi", "plugins", f"resource-{package}-v{version(f'pulumi-{package}')}") / program
        if not link.is_symlink() or link.readlink() != PLUGINS_FOLDER / program:
            link.unlink(missing_ok=True)
            with contextlib.suppress(FileExistsError):
                link.symlink_to(PLUGINS_FOLDER / program)
    return folder
