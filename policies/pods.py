"""Pods, wherever Kubernetes resources hold them."""

from __future__ import annotations

from collections.abc import Sequence

from policies.resource import Resource
from policies.view import View

_TEMPLATE = "spec.template.spec"
POD_SPECS = {
    "kubernetes:core/v1:Pod": "spec",
    "kubernetes:apps/v1:Deployment": _TEMPLATE,
    "kubernetes:apps/v1:StatefulSet": _TEMPLATE,
    "kubernetes:apps/v1:DaemonSet": _TEMPLATE,
    "kubernetes:batch/v1:Job": _TEMPLATE,
    "kubernetes:batch/v1:CronJob": "spec.jobTemplate.spec.template.spec",
}
"""Where each type keeps the specification of its pods."""
TEMPLATED = tuple(token for token, path in POD_SPECS.items() if path == _TEMPLATE)
"""The types that keep it in the usual place: one `applies_to` serves them all, `reads=pod_reads(TEMPLATED[0], ...)`."""
POD, CRON_JOB = "kubernetes:core/v1:Pod", "kubernetes:batch/v1:CronJob"
CONTAINERS = ("containers", "initContainers", "ephemeralContainers")
"""All of them run."""


def pod_of(resource: Resource) -> View:
    """The specification of the pods."""
    return resource.object(POD_SPECS[resource.type])


def containers_of(resource: Resource) -> tuple[View, ...]:
    """All containers, those of the start and those for debugging too."""
    pod = pod_of(resource)
    return tuple(container for kind in CONTAINERS for container in pod.objects(kind))


def pod_reads(token: str, *paths: str) -> list[str]:
    """What a check of that type reads: paths from the pod's specification; `*.x` means x of every container."""
    return [path for one in paths for path in _reads(POD_SPECS[token], one)]


def _reads(spec: str, path: str) -> Sequence[str]:
    if not path.startswith("*."):
        return [f"{spec}.{path}"]
    return [f"{spec}.{kind}.{path.removeprefix('*.')}" for kind in CONTAINERS]
