"""The Python that a program, policy pack or plugin runs on, as its `runtime` options say."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

TYPE_CHECKERS = ("mypy", "pyright")
TOOLCHAINS = ("pip", "uv")


class BadOption(Exception):
    """A runtime option in Pulumi.yaml that cannot be followed; names option and value."""


@dataclass(frozen=True, kw_only=True)
class PythonRuntime:
    """An interpreter with its virtual environment, if it has one."""

    interpreter: Path
    virtualenv: Path | None = None
    type_checker: str | None = None
    toolchain: str = "pip"

    @classmethod
    def of(cls, root: str, options: Mapping[str, Any]) -> PythonRuntime:
        """The runtime that `options` of the project in folder `root` ask for."""
        toolchain = _choice(options, "toolchain", TOOLCHAINS) or "pip"
        named = options.get("virtualenv") or (".venv" if toolchain == "uv" else None)
        if named is not None and not isinstance(named, str):
            raise BadOption(f"runtime option virtualenv is {named!r}, but must be the path of a folder")
        checker = _choice(options, "typechecker", TYPE_CHECKERS)
        if named is None:
            return cls(interpreter=_default_interpreter(), type_checker=checker, toolchain=toolchain)
        folder = Path(root, named).absolute()
        return cls(interpreter=folder / "bin" / "python", virtualenv=folder, type_checker=checker, toolchain=toolchain)

    def check(self) -> None:
        """Refuse a virtual environment that is not there."""
        if self.virtualenv and not os.access(self.interpreter, os.X_OK):
            raise BadOption(
                f"runtime option virtualenv names {self.virtualenv}, which holds no Python: run `pulumi install`"
            )

    def environment(self, base: Mapping[str, str]) -> dict[str, str]:
        """`base` as activating the virtual environment would change it."""
        kept = {name: value for name, value in base.items() if name != "PYTHONHOME"}
        if self.virtualenv is None:
            return kept
        path = os.pathsep.join([str(self.virtualenv / "bin"), kept.get("PATH", os.defpath)])
        return kept | {"VIRTUAL_ENV": str(self.virtualenv), "PATH": path}


def _default_interpreter() -> Path:
    """This host's own: it is known to have the SDK, which no `python3` on PATH is."""
    return Path(os.environ.get("PULUMI_PYTHON_CMD") or sys.executable)


def _choice(options: Mapping[str, Any], name: str, allowed: tuple[str, ...]) -> str | None:
    value = options.get(name)
    if value is None or value in allowed:
        return value
    raise BadOption(f"runtime option {name} is {value!r}, but this language host knows {' and '.join(allowed)} only")
