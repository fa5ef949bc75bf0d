"""Options for the children of a component."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pulumi


def child_of(
    parent: pulumi.Resource,
    opts: pulumi.ResourceOptions | None,
    *,
    protect: bool = False,
    after: Sequence[pulumi.Resource] = (),
    ignore_changes: Sequence[str] = (),
    providers: Sequence[pulumi.ProviderResource] = (),
) -> pulumi.ResourceOptions:
    """A child that also waits for what its component waits for.

    Pulumi itself does not hand `depends_on` down: without it the children are made and destroyed in any order.
    """
    return pulumi.ResourceOptions(
        parent=parent,
        protect=protect or None,
        depends_on=[*_waits(opts.depends_on if opts else None), *after] or None,
        ignore_changes=list(ignore_changes) or None,
        providers=list(providers) or None,
    )


def _waits(depends_on: Any) -> list[Any]:
    if depends_on is None:
        return []
    return list(depends_on) if isinstance(depends_on, Sequence) else [depends_on]
