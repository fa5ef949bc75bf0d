"""All checks there are, found once, and the types that need none."""

from __future__ import annotations

import functools
import importlib
import pkgutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import ModuleType

import yaml

from policies import controls
from policies.control import EVERY, BadDeclaration, Check, Control
from policies.resource import Cloud
from policies.verdicts import Severity

PACK_VERSION = "0.1.0"
UNCOVERED = Path(__file__).with_name("uncovered.yaml")
COMPONENTS = "livingfortress:"
"""Components hold no properties; their children do."""


class Registry:
    """Checks in a fixed order, none of them twice."""

    def __init__(self, checks: Iterable[Check], known: Iterable[Control] = ()) -> None:
        """Take checks, and the controls of which they are a selection.

        Raises BadDeclaration where one control id means two controls, or two checks of one mean the same type.
        """
        found = dict.fromkeys(checks)
        self.checks = tuple(sorted(found, key=lambda check: (check.control.id, check.cloud, check.types)))
        self.controls = tuple(dict.fromkeys(check.control for check in self.checks))
        self.known = tuple(dict.fromkeys((*known, *self.controls)))
        self.known_ids = frozenset(control.id for control in self.known)
        self._refuse_doubles()
        self._for_type = functools.cache(self._matching)

    def __len__(self) -> int:
        """Return the number of checks as they are counted: per control and cloud."""
        return len(self.ids)

    def __iter__(self) -> Iterator[Check]:
        return iter(self.checks)

    @property
    def ids(self) -> tuple[str, ...]:
        """Return the ids of the checks, such as `TLS-004/aws`, each once."""
        return tuple(dict.fromkeys(check.id for check in self.checks))

    @property
    def fixable_ids(self) -> tuple[str, ...]:
        """Return the ids of the checks that can fix something without replacing it."""
        return tuple(dict.fromkeys(check.id for check in self.checks if not all(r.replaces for r in check.remedies)))

    def of(self, control: Control) -> tuple[Check, ...]:
        """Return the checks of one control."""
        return tuple(check for check in self.checks if check.control is control)

    def control(self, id_: str) -> Control | None:
        """Return the control with this id."""
        return next((control for control in self.controls if control.id == id_), None)

    def for_type(self, token: str) -> tuple[Check, ...]:
        """Return the checks that mean resources of this type."""
        return self._for_type(token)

    def names(self, token: str) -> bool:
        """Tell whether a check names this type, rather than all types of its package."""
        return any(token in check.reads for check in self.for_type(token))

    def select(
        self,
        *,
        framework: str | None = None,
        theme: str | None = None,
        cloud: Cloud | None = None,
        severity: Severity | None = None,
    ) -> Registry:
        """Return the checks that match every given filter."""

        def wanted(check: Check) -> bool:
            control = check.control
            return (
                (framework is None or bool(control.maps.get(framework)))
                and (theme is None or control.theme.id == theme)
                and (cloud is None or check.cloud == cloud)
                and (severity is None or control.severity is severity)
            )

        return Registry(filter(wanted, self.checks), self.known)

    def _matching(self, token: str) -> tuple[Check, ...]:
        return tuple(check for check in self.checks if check.is_for(token))

    def _refuse_doubles(self) -> None:
        by_id: dict[str, Control] = {}
        for control in self.controls:
            if by_id.setdefault(control.id, control) is not control:
                raise BadDeclaration(f"{control.id} is the id of two controls")
        owners: dict[tuple[str, str], Check] = {}
        for check in self.checks:
            for token in check.types:
                other = owners.setdefault((check.control.id, token), check)
                if other is not check:
                    raise BadDeclaration(f"{check.id}: two checks mean {token}")


@functools.cache
def everything() -> Registry:
    """Every check of `policies/controls`."""
    return Registry(check for module in _modules() for check in checks_of(module))


def checks_of(module: ModuleType) -> Iterator[Check]:
    """Yield the checks that a module defines, one by one or as a table."""
    for value in vars(module).values():
        if isinstance(value, Check):
            yield value
        elif isinstance(value, tuple):
            yield from (check for check in value if isinstance(check, Check))


def is_pattern(token: str) -> bool:
    """Tell whether a type of a check means a whole package."""
    return token.endswith(f":{EVERY}")


def _modules() -> Iterator[ModuleType]:
    for found in pkgutil.walk_packages(controls.__path__, f"{controls.__name__}."):
        yield importlib.import_module(found.name)


class BadCoverage(Exception):
    """`uncovered.yaml` names a type twice, or is no map from reason to types."""


def reasons_without_check() -> dict[str, str]:
    """Return the reason for each type that needs no check; raises BadCoverage."""
    document = yaml.safe_load(UNCOVERED.read_text(encoding="utf-8"))
    if not isinstance(document, dict) or not all(isinstance(types, list) for types in document.values()):
        raise BadCoverage(f"{UNCOVERED}: must be a map from reason to a list of types")
    found: dict[str, str] = {}
    for reason, types in document.items():
        for token in types:
            if token in found:
                raise BadCoverage(f"{UNCOVERED}: {token} stands here twice")
            found[token] = reason
    return found
