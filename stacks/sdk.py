"""Keeps the Pulumi SDK from costing more than the program's own work, in three places (pulumi 3.259)."""

from __future__ import annotations

import asyncio
import importlib
import importlib.util
import re
import sys
from collections.abc import Mapping, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType
from typing import Any

from pulumi import log
from pulumi.runtime.rpc_manager import RPCManager
from pulumi.runtime.settings import SETTINGS

DEBUG = "FORTRESS_SDK_DEBUG"

SDKS = ("pulumi_aws", "pulumi_azure_native", "pulumi_gcp", "pulumi_kubernetes")
SHARED = ("_inputs", "_enums")
"""Modules in which the generator puts what several resources of a package use."""
OUTPUT_FORM = "_output"
"""Suffix of the form of a function that takes and returns outputs; it is in the module of the function."""
WORD = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")

RECHECK_SECONDS = 1.0


def drop_debug_messages(variables: Mapping[str, str]) -> None:
    """Drop debug messages from now on, unless FORTRESS_SDK_DEBUG is set (for use with `pulumi up --debug`).

    The SDK sends the engine a message for each step of each resource and waits for the answer on the event loop, even
    if the engine drops it: thousands of calls a run (`pulumi.log.debug`).
    """
    if not variables.get(DEBUG):
        log.debug = _ignore


def _ignore(*_: object, **__: object) -> None:
    """Do nothing with a debug message."""


def make_lazy() -> None:
    """Load modules of the SDKs one by one from now on; modules imported already stay as they are.

    `from pulumi_gcp import compute` executes an `__init__` that imports every resource of the service: hundreds of
    modules, of which a program uses a dozen. Over all clouds that takes a third of a run. After this call a package is
    an empty shell that looks a name up in the module that the code generator put it into. If the name is not there, the
    package loads as usual.
    """
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())


class _Finder(MetaPathFinder):
    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        sdk, _, inside = fullname.partition(".")
        if sdk not in SDKS or not inside:
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is not None and spec.loader is not None and spec.submodule_search_locations is not None:
            spec.loader = _Shell(spec.loader)
        return spec


class _Shell(Loader):
    """Executes the package's own code only if a name cannot be found otherwise."""

    def __init__(self, loader: Loader) -> None:
        self._loader = loader

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        def lookup(name: str) -> Any:
            if name.startswith("__"):
                raise AttributeError(name)
            found = _find_in_modules(module, name)
            if found is None:
                del module.__dict__["__getattr__"]
                self._loader.exec_module(module)
                found = getattr(module, name)
            setattr(module, name, found)
            return found

        module.__dict__["__getattr__"] = lookup


def _find_in_modules(package: ModuleType, name: str) -> Any:
    """Return the submodule `name`, or `name` from its own module or a shared one; None if it is elsewhere."""
    own = (name.removesuffix(OUTPUT_FORM), WORD.sub("_", name).lower(), name)
    for candidate in dict.fromkeys((*own, *SHARED)):
        if _has(package, candidate):
            module = importlib.import_module(f"{package.__name__}.{candidate}")
            found = getattr(module, name, module if candidate == name else None)
            if found is not None:
                return found
    return None


def _has(package: ModuleType, module: str) -> bool:
    return any((Path(folder) / f"{module}.py").is_file() for folder in package.__path__)


def settle_outputs(rpc_manager: RPCManager) -> None:
    """Wait for all outputs in linear time; call it last, inside the event loop. The SDK reports failed outputs.

    At the end of a program the SDK waits for all pending outputs at once and starts over when one of them is done. A
    few hundred resources have thousands of outputs, so that wait takes seconds of computing for three clouds
    (`wait_for_rpcs`). Before it, the SDK waits for the calls to the engine one by one. This adds one more call, which
    is done when the outputs are; then the SDK's own wait finds nothing pending.
    """
    rpc_manager.rpcs.append(asyncio.ensure_future(_settle(rpc_manager)))


async def _settle(rpc_manager: RPCManager) -> None:
    while (pending := _find_pending()) is not None:
        done, _ = await asyncio.wait([pending], timeout=RECHECK_SECONDS)
        if rpc_manager.unhandled_exception is not None or (not done and _has_failed()):
            return


def _find_pending() -> asyncio.Future[Any] | None:
    with SETTINGS.lock:
        return next((output for output in SETTINGS.outputs if not output.done()), None)


def _has_failed() -> bool:
    """Failed outputs stay in the set; finished ones leave it."""
    with SETTINGS.lock:
        return any(output.done() for output in SETTINGS.outputs)
