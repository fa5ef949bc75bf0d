"""Loads of the largest SDK packages only the modules that are asked for.

`from pulumi_gcp import compute` executes an `__init__` that imports every resource of the service, hundreds of modules
of which a program uses a dozen; over all clouds that is a third of a run's time. Here such a package is an empty shell
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

PACKAGES = (
    "pulumi_aws.cloudwatch",
    "pulumi_aws.ec2",
    "pulumi_aws.iam",
    "pulumi_aws.rds",
    "pulumi_azure_native.containerservice",
    "pulumi_azure_native.network",
    "pulumi_gcp.compute",
    "pulumi_gcp.container",
    "pulumi_gcp.iam",
    "pulumi_gcp.projects",
)
SHARED = ("_inputs", "_enums")
"""Where the generator puts what several resources of a package use."""
WORD = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


def make_lazy() -> None:
    """From now on the large packages load their modules one by one; those imported already stay as they are."""
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())


class _Finder(MetaPathFinder):
    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname not in PACKAGES:
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is not None and spec.loader is not None:
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
    own = WORD.sub("_", name).lower()
    for candidate in (own, *SHARED) if own != name else (own,):
        if _has(package, candidate):
            module = importlib.import_module(f"{package.__name__}.{candidate}")
            found = module if candidate == name else getattr(module, name, None)
            if found is not None:
                return found
    return None


def _has(package: ModuleType, module: str) -> bool:
    return any((Path(folder) / f"{module}.py").is_file() for folder in package.__path__)
