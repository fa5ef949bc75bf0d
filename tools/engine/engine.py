"""The engine that setup chose for this checkout."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Self

CHECKOUT = Path(__file__).resolve().parent.parent.parent
RECORD = "engine.json"


class EngineMissing(Exception):
    """No usable engine is recorded for this checkout; says what to do."""


class Origin(StrEnum):
    """The source of an engine."""

    PATH = "found on PATH"
    INSTALLER = "official installer"
    MODULES = "built from Go modules"


@dataclass(frozen=True, kw_only=True)
class Engine:
    """A Pulumi engine with a working Python language host."""

    bin: Path
    """The folder that must come first on PATH; holds `pulumi`. Always named `bin`, as the Automation API expects."""
    version: str
    origin: Origin

    @property
    def pulumi(self) -> Path:
        return self.bin / "pulumi"

    @property
    def root(self) -> Path:
        """Return the `root` of `pulumi.automation.PulumiCommand`."""
        return self.bin.parent

    def variables(self, search_path: str) -> dict[str, str]:
        """Return the variables that `pulumi`, its plugins and policy packs need; extend the given PATH."""
        return {
            "PATH": os.pathsep.join([str(self.bin), str(checkout_python().parent), search_path]),
            "FORTRESS_PYTHON": str(checkout_python()),
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            # Compiling the SDKs again costs ten times what loading them compiled does; empty means "may write".
            "PYTHONDONTWRITEBYTECODE": "",
        }

    def environment(self, base: Mapping[str, str] | None = None) -> dict[str, str]:
        """`base` (default: this process's environment) made ready for `pulumi`."""
        kept = dict(os.environ if base is None else base)
        return kept | self.variables(kept.get("PATH", os.defpath))

    def record(self, folder: Path) -> None:
        """Make this the checkout's engine."""
        folder.mkdir(parents=True, exist_ok=True)
        draft = folder / f".{RECORD}.{os.getpid()}"
        draft.write_text(json.dumps(asdict(self) | {"bin": str(self.bin)}, indent=2) + "\n")
        draft.replace(folder / RECORD)

    @classmethod
    def recorded(cls, folder: Path) -> Self:
        """The recorded engine; raises EngineMissing where there is none or its files are gone."""
        try:
            facts = json.loads((folder / RECORD).read_text())
            engine = cls(bin=Path(facts["bin"]), version=facts["version"], origin=Origin(facts["origin"]))
        except (OSError, ValueError, KeyError, TypeError):
            raise EngineMissing("no Pulumi engine is installed for this checkout yet: run `make setup`") from None
        if not os.access(engine.pulumi, os.X_OK):
            raise EngineMissing(f"the Pulumi engine is gone from {engine.bin}: run `make setup`")
        return engine


def checkout_python() -> Path:
    """The interpreter that has this project's packages."""
    return CHECKOUT / ".venv" / "bin" / "python"


def engine_folder() -> Path:
    """Return the folder of this checkout's engine record and, if needed, its own bin folder."""
    return CHECKOUT / ".venv" / "engine"


def locate() -> Engine:
    """The engine that `make setup` chose; quick, touches no network; raises EngineMissing."""
    return Engine.recorded(engine_folder())


def engine_environment() -> dict[str, str]:
    """This process's environment made ready for `pulumi`."""
    return locate().environment()
