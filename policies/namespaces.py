"""Namespaces of Kubernetes, and those that a control is told to leave alone."""

from __future__ import annotations

from pydantic import Field

from policies.options import Options
from policies.resource import Resource
from policies.verdicts import Verdict, fails, not_applicable

SYSTEM_NAMESPACES = ("kube-system", "kube-public", "kube-node-lease")


class Namespaces(Options):
    """What controls that look at Kubernetes may be told."""

    exempt_namespaces: tuple[str, ...] = Field(
        default=SYSTEM_NAMESPACES, description="Namespaces of Kubernetes itself and of its operators."
    )


def unless_exempt(resource: Resource, options: Namespaces, found: str, *, at: str = "metadata.namespace") -> Verdict:
    """FAIL with what was found, but in an exempt namespace, whose name stands `at` that path."""
    if not options.exempt_namespaces:
        return fails(found)
    namespace = resource.text(at)
    exempt = namespace in options.exempt_namespaces
    return not_applicable(f"namespace {namespace} is exempt") if exempt else fails(found)
