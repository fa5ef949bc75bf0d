"""Run a Pulumi program: the executor of the SDK, with what it must know on its command line and in its variables."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from pulumi.runtime.proto import language_pb2 as language

from tools.engine.language_host.children import Children
from tools.engine.language_host.runtime import PythonRuntime

SHOWN_ITS_ERROR = 32
"""The executor's exit code for a failed program whose error the engine already has."""


def run_program(request: Any, engine: str, executor: Path, runtime: PythonRuntime, children: Children) -> Any:
    """The response for `Run`, once the program has ended."""
    folder = request.info.program_directory
    environment = runtime.environment(os.environ)
    if runtime.type_checker:
        check = [runtime.interpreter, "-m", runtime.type_checker, folder]
        if children.wait(children.start(check, folder=folder, environment=environment)) != 0:
            return language.RunResponse(error=f"{runtime.type_checker} found mistakes in {folder}")
    command: list[str | Path] = [runtime.interpreter, "-u", executor, *_arguments(request, engine)]
    process = children.start(command, folder=request.pwd, environment=environment | _variables(request))
    code = children.wait(process)
    if code == 0:
        return language.RunResponse()
    if code == SHOWN_ITS_ERROR or children.is_closed:
        return language.RunResponse(bail=True)
    how = f"was ended by signal {-code}" if code < 0 else f"exited with non-zero exit code: {code}"
    return language.RunResponse(error=f"program {how}")


def _arguments(request: Any, engine: str) -> list[str]:
    named = {
        "monitor": request.monitor_address,
        "engine": engine,
        "project": request.project,
        "root_directory": request.info.root_directory,
        "stack": request.stack,
        "pwd": request.pwd,
        "dry_run": "true" if request.dryRun else "false",
        "parallel": str(request.parallel),
        "organization": request.organization,
    }
    options = [part for name, value in named.items() if value for part in (f"--{name}", value)]
    return [*options, request.info.entry_point or ".", *request.args]


def _variables(request: Any) -> dict[str, str]:
    return {
        "PULUMI_CONFIG": json.dumps(dict(request.config)),
        "PULUMI_CONFIG_SECRET_KEYS": json.dumps(list(request.configSecretKeys)),
    }
