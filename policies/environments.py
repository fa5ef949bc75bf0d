"""Which stacks are for real use, told by their names."""

from __future__ import annotations

from fnmatch import fnmatchcase

from pydantic import Field

from policies.options import Options
from policies.resource import Resource


class Environments(Options):
    """What controls that are stricter where something can be lost may be told."""

    protected_stacks: tuple[str, ...] = Field(
        default=("production", "prod", "staging", "*-production", "*-prod", "*-staging"),
        description="Names of stacks, as globs, that hold what must not be lost; rehearsals of them count.",
    )

    def protects(self, resource: Resource) -> bool:
        """Whether the resource's stack is one of them."""
        return any(fnmatchcase(resource.stack, pattern) for pattern in self.protected_stacks)
