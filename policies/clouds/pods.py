"""Pods, wherever Kubernetes resources hold them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from policies.control import Declaration, Decorator, Judge, applies_to_each, fixed_by
from policies.remedies import Change, changes, in_turn
from policies.resource import Resource
from policies.view import View

_TEMPLATE = "spec.template.spec"
POD_SPECS = {
    "kubernetes:core/v1:Pod": "spec",
    "kubernetes:apps/v1:Deployment": _TEMPLATE,
    "kubernetes:apps/v1:StatefulSet": _TEMPLATE,
    "kubernetes:apps/v1:DaemonSet": _TEMPLATE,
    "kubernetes:apps/v1:ReplicaSet": _TEMPLATE,
    "kubernetes:core/v1:ReplicationController": _TEMPLATE,
    "kubernetes:batch/v1:Job": _TEMPLATE,
    "kubernetes:batch/v1:CronJob": "spec.jobTemplate.spec.template.spec",
}
"""Where each type keeps the specification of its pods."""
POD, JOB = "kubernetes:core/v1:Pod", "kubernetes:batch/v1:Job"
FIXED_AT_BIRTH = (POD, JOB)
"""The API lets nobody change the pods of these: another object takes their place."""
CONTAINERS = ("containers", "initContainers", "ephemeralContainers")
"""All of them run."""


def pod_of(resource: Resource) -> View:
    """Return the specification of the pods."""
    return resource.object(POD_SPECS[resource.type])


def containers_of(resource: Resource) -> tuple[View, ...]:
    """Return all containers, those of the start and those for debugging too."""
    pod = pod_of(resource)
    return tuple(container for kind in CONTAINERS for container in pod.objects(kind))


def pod_reads(token: str, *paths: str) -> list[str]:
    """Return what a check of that type reads: paths from the pod's specification; `*.x` means x of every container."""
    return [path for path_ in paths for path in _reads(POD_SPECS[token], path_)]


def in_pods(*paths: str, beside: Sequence[str] = ()) -> Decorator:
    """Apply a check to all types that hold pods; give what it reads of the pods, and what beside them."""
    return applies_to_each({token: [*pod_reads(token, *paths), *beside] for token in POD_SPECS})


def fixed_in_pods(*settings: tuple[str, Any]) -> Decorator:
    """Declare the fix that sets paths of the pods, `*.x` in every container, to values."""
    return changed_in_pods(*((path, _always(value)) for path, value in settings))


def changed_in_pods(*settings: tuple[str, Change]) -> Decorator:
    """Declare the fix that changes the values at paths of the pods, `*.x` in every container."""

    def declare(judge: Judge | Declaration) -> Declaration:
        declaration = Declaration.of(judge)
        for token, spec in POD_SPECS.items():
            fix = in_turn(*(changes(path, change) for one, change in settings for path in _targets(spec, one)))
            declaration = fixed_by(fix, token, replaces=token in FIXED_AT_BIRTH)(declaration)
        return declaration

    return declare


def _always(value: Any) -> Change:
    return lambda _: value


def _targets(spec: str, path: str) -> Iterator[str]:
    if not path.startswith("*."):
        yield f"{spec}.{path}"
        return
    yield from (f"{spec}.{kind}[].{path.removeprefix('*.')}" for kind in CONTAINERS)


def _reads(spec: str, path: str) -> Sequence[str]:
    if not path.startswith("*."):
        return [f"{spec}.{path}"]
    return [f"{spec}.{kind}.{path.removeprefix('*.')}" for kind in CONTAINERS]
