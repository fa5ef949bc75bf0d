"""Functions that programs call on a provider: what they would learn from the cloud, told from the provider's settings.

Lookups of a single resource (`getVpc`, `getManagedCluster`) find recorded resources of any stack of this sandbox.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any, TypeAlias

from localcloud.provider.failures import NotOffered
from localcloud.provider.naming import Urn

if TYPE_CHECKING:
    from localcloud.provider.lifecycle import Lifecycle

Arguments: TypeAlias = Mapping[str, Any]
Function: TypeAlias = "Callable[[Arguments, Lifecycle], dict[str, Any]]"

MODULES: Mapping[str, str] = {
    "aws": "localcloud.provider.invokes.aws",
    "azure-native": "localcloud.provider.invokes.azure",
    "gcp": "localcloud.provider.invokes.gcp",
}
BRIDGED = re.compile(r"(?P<package>[\w-]+):(?P<module>\w+)/get(?P<kind>\w+):get(?P=kind)")
NATIVE = re.compile(r"(?P<package>[\w-]+):(?P<module>[\w/]+):get(?P<kind>\w+)")


def answer(token: str, arguments: Arguments, lifecycle: Lifecycle) -> dict[str, Any]:
    """The result of calling function `token`; raises NotOffered for one that is not simulated."""
    given = {key: value for key, value in arguments.items() if value is not None}
    functions: Mapping[str, Function] = {}
    if lifecycle.package in MODULES:
        functions = import_module(MODULES[lifecycle.package]).FUNCTIONS
    if token in functions:
        return functions[token](given, lifecycle)
    looked_up = resource_type(token)
    if looked_up:
        return _found(looked_up, token, given, lifecycle)
    offered = ", ".join(sorted(functions)) or "none"
    raise NotOffered(f"localcloud does not simulate this function; it simulates: {offered}")


def resource_type(token: str) -> str | None:
    """The type whose resources a lookup function finds; None for a function of another kind."""
    bridged = BRIDGED.fullmatch(token)
    if bridged:
        package, module, kind = bridged.group("package", "module", "kind")
        return f"{package}:{module}/{kind[0].lower()}{kind[1:]}:{kind}"
    native = NATIVE.fullmatch(token)
    return f"{native['package']}:{native['module']}:{native['kind']}" if native else None


def _found(kind: str, token: str, arguments: Arguments, lifecycle: Lifecycle) -> dict[str, Any]:
    urn = Urn(text=token, stack="", project="", type=kind, name="")
    record = lifecycle.store.matching(urn, arguments)
    if record is None:
        wanted = ", ".join(f"{key} {value!r}" for key, value in sorted(arguments.items()))
        raise NotOffered(f"no recorded {kind} has {wanted or 'been made'}")
    return {"id": record.id, **record.state}
