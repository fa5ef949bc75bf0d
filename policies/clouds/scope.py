"""Options by which a control spares resources: environments, namespaces, what holds no personal data."""

from __future__ import annotations

from fnmatch import fnmatchcase

from pydantic import Field

from policies.clouds.tags import effective_tag
from policies.options import Options
from policies.resource import Resource
from policies.verdicts import Verdict, fails, not_applicable


class Environments(Options):
    """Options of controls that are stricter where something can be lost."""

    protected_stacks: tuple[str, ...] = Field(
        default=("production", "prod", "staging", "*-production", "*-prod", "*-staging"),
        description="Names of stacks, as globs, that hold what must not be lost; rehearsals of them count.",
    )

    def protects(self, resource: Resource) -> bool:
        """Tell whether the resource's stack is one of them."""
        return any(fnmatchcase(resource.stack, pattern) for pattern in self.protected_stacks)


SYSTEM_NAMESPACES = ("kube-system", "kube-public", "kube-node-lease")


class Namespaces(Options):
    """Options of controls that look at Kubernetes."""

    exempt_namespaces: tuple[str, ...] = Field(
        default=SYSTEM_NAMESPACES, description="Namespaces of Kubernetes itself and of its operators."
    )


def unless_exempt(resource: Resource, options: Namespaces, found: str, *, at: str = "metadata.namespace") -> Verdict:
    """Return FAIL with what was found, or NOT_APPLICABLE in an exempt namespace; its name stands `at` that path."""
    if not options.exempt_namespaces:
        return fails(found)
    namespace = resource.text(at)
    exempt = namespace in options.exempt_namespaces
    return not_applicable(f"namespace {namespace} is exempt") if exempt else fails(found)


PERSONAL, CLASSIFICATION = "personal-data", "data-classification"
IMPERSONAL = not_applicable("it holds no personal data, as its tags say")


class PersonalData(Options):
    """Options of controls that protect personal data."""

    impersonal_classifications: tuple[str, ...] = Field(
        default=("public", "internal"),
        description="Values of the tag data-classification that say that a store holds no personal data. Any other"
        " value, and none, says that it does, unless the tag personal-data is false.",
    )

    def is_in(self, store: Resource) -> bool:
        """Tell whether the store counts as holding personal data."""
        said = effective_tag(store, PERSONAL)
        if said:
            return said.lower() != "false"
        return effective_tag(store, CLASSIFICATION).lower() not in self.impersonal_classifications
