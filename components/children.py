"""Options for the children of a component."""

from __future__ import annotations

import pulumi


def child_of(parent: pulumi.Resource, opts: pulumi.ResourceOptions | None) -> pulumi.ResourceOptions:
    """A child that also waits for what its component waits for.

    Pulumi itself does not hand `depends_on` down: without it the children are destroyed in any order.
    """
    return pulumi.ResourceOptions(parent=parent, depends_on=opts.depends_on if opts else None)
