"""Loads of the SDKs only the modules that are asked for.

`from pulumi_gcp import compute` executes an `__init__` that imports every resource of the service, hundreds of modules
of which a program uses a dozen; over all clouds that is a third of a run's time. Here a package is an empty shell
that finds a name in the module the code generator has put it into. A name that is not found there makes the package
load as it would have without this.
"""

from __future__ import annotations

import importlib
import importlib.util
import re
import sys
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType
from typing import Any

SDKS = ("pulumi_aws", "pulumi_azure_native", "pulumi_gcp", "pulumi_kubernetes")
SHARED = ("_inputs", "_enums")
"""Where the generator puts what several resources of a package use."""
OUTPUT_FORM = "_output"
"""What the generator appends to a function's name for the form that takes and gives outputs, in the same module."""
WORD = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


def make_lazy() -> None:
    """From now on the SDKs' packages load their modules one by one; those imported already stay as they are."""
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
    """Leaves the package's own code unexecuted until a name can be found in no other way."""

    def __init__(self, whole: Loader) -> None:
        self._whole = whole

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._whole.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        def lookup(name: str) -> Any:
            if name.startswith("__"):
                raise AttributeError(name)
            found = _in_modules(module, name)
            if found is None:
                del module.__dict__["__getattr__"]
                self._whole.exec_module(module)
                found = getattr(module, name)
            setattr(module, name, found)
            return found

        module.__dict__["__getattr__"] = lookup


def _in_modules(package: ModuleType, name: str) -> Any:
    """A submodule of that name, or the name out of its own module or a shared one; None where it is elsewhere."""
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
