"""Which simulation a provider instance belongs to, and the refusal of everything that names a real account."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any
from urllib.parse import urlsplit

from localcloud.contract.type_expr import UNKNOWN

NESTED_TEXT = ("[", "{")
TEXT_SETTINGS = frozenset({"kubeconfig", "credentials"})
"""Settings that are JSON text themselves."""

ENGINE_SETTINGS = frozenset({"version", "pluginDownloadURL", "pluginChecksums", "parameterization"})
"""What the engine keeps beside a provider's own settings."""


class SimulationMode(Enum):
    """What becomes of the resources of one provider instance."""

    LOCAL = "local"
    """Resources with an emulator get one."""
    REHEARSAL = "rehearsal"
    """Everything is recorded only: no process starts, no port opens."""


ACCOUNTS: Mapping[str, tuple[str, Mapping[str, SimulationMode]]] = {
    "aws": ("allowedAccountIds", {"000000000000": SimulationMode.LOCAL, "000000000001": SimulationMode.REHEARSAL}),
    "azure-native": (
        "subscriptionId",
        {
            "00000000-0000-0000-0000-000000000000": SimulationMode.LOCAL,
            "00000000-0000-0000-0000-000000000001": SimulationMode.REHEARSAL,
        },
    ),
    "gcp": (
        "project",
        {"living-fortress-local": SimulationMode.LOCAL, "living-fortress-rehearsal": SimulationMode.REHEARSAL},
    ),
}
"""The setting that names the account, and the accounts that are simulated."""

CLUSTER_DOMAIN = "localcloud.invalid"
"""Simulated clusters answer as `<cluster id>.<mode>.localcloud.invalid`, a name that never resolves."""


class Refused(Exception):
    """A provider instance must not be simulated; the text names the setting, its value and what is allowed."""


@dataclass(frozen=True)
class Simulated:
    """What a provider instance stands for."""

    mode: SimulationMode
    scope: str
    """Names the account, region or cluster: two resources of one type and id in different scopes are different."""


@dataclass(frozen=True)
class Cluster:
    """The simulated cluster that a kubeconfig names."""

    id: str
    mode: SimulationMode


def settings(properties: Mapping[str, Any]) -> dict[str, Any]:
    """A provider's own configuration; the SDK's JSON text for lists, objects, numbers and booleans is decoded."""
    return {
        key: value if key in TEXT_SETTINGS else _decoded(value)
        for key, value in properties.items()
        if key not in ENGINE_SETTINGS
    }


def _decoded(value: Any) -> Any:
    if isinstance(value, str) and (value.startswith(NESTED_TEXT) or value in ("true", "false")):
        try:
            return json.loads(value)
        except json.JSONDecodeError:
            return value
    return value


def is_default(name: str) -> bool:
    """Whether a provider's name is one the engine gives to the providers it makes by itself."""
    return name == "default" or name.startswith("default_")


def setting_of(package: str) -> str:
    """The setting that decides the simulation mode of an instance of `package`."""
    return "kubeconfig" if package == "kubernetes" else ACCOUNTS[package][0]


def simulated(package: str, configuration: Mapping[str, Any]) -> Simulated | None:
    """What `configuration` stands for; None while the deciding setting is unknown; raises Refused for all else."""
    if package == "kubernetes":
        return _simulated_cluster(configuration.get("kubeconfig"))
    setting, modes = ACCOUNTS[package]
    value = configuration.get(setting)
    account = value[0] if isinstance(value, list) and len(value) == 1 else value
    if account is UNKNOWN:
        return None
    if not isinstance(account, str) or account not in modes:
        allowed = " or ".join(f"{name!r} ({mode.value})" for name, mode in modes.items())
        raise Refused(
            f"{setting} is {_shown(value)}: this is localcloud's emulator for the {package} provider, "
            f"which simulates {allowed} and never reaches a real account"
        )
    return Simulated(modes[account], scope=str(configuration.get("region") or account))


def _shown(value: Any) -> str:
    return "not set" if value is None else json.dumps(value, default=str)


def _simulated_cluster(kubeconfig: Any) -> Simulated | None:
    if kubeconfig is UNKNOWN:
        return None
    cluster = cluster_of(kubeconfig)
    return Simulated(cluster.mode, scope=cluster.id)


def cluster_of(kubeconfig: Any) -> Cluster:
    """The simulated cluster of a kubeconfig (YAML or JSON text, or its parsed form); raises Refused for a real one."""
    server = _server(kubeconfig)
    host = urlsplit(server).hostname or ""
    identity, _, domain = host.partition(".")
    for mode in SimulationMode:
        if domain == f"{mode.value}.{CLUSTER_DOMAIN}" and identity:
            return Cluster(identity, mode)
    raise Refused(
        f"kubeconfig names the server {server!r}: this is localcloud's emulator for the kubernetes provider, "
        f"which simulates hosts under .local.{CLUSTER_DOMAIN} or .rehearsal.{CLUSTER_DOMAIN} "
        "and never reaches a real cluster"
    )


def _server(kubeconfig: Any) -> str:
    document = _parsed(kubeconfig)
    try:
        wanted = document.get("current-context")
        contexts = {item["name"]: item["context"] for item in document.get("contexts", [])}
        clusters = {item["name"]: item["cluster"] for item in document["clusters"]}
        name = contexts[wanted]["cluster"] if wanted in contexts else next(iter(clusters))
        return str(clusters[name]["server"])
    except (AttributeError, KeyError, TypeError, StopIteration) as missing:
        raise Refused("kubeconfig is not one: expected clusters with a server, and a current-context") from missing


def _parsed(kubeconfig: Any) -> Any:
    if not isinstance(kubeconfig, str):
        if kubeconfig is None:
            raise Refused("kubeconfig is not set: this is localcloud's emulator, which reads no file of this machine")
        return kubeconfig
    try:
        return json.loads(kubeconfig)
    except json.JSONDecodeError:
        import yaml  # costs a tenth of a start; kubeconfigs of the components are JSON

        try:
            return yaml.safe_load(kubeconfig)
        except yaml.YAMLError as broken:
            raise Refused(f"kubeconfig is not YAML: {str(broken).splitlines()[0]}") from broken
