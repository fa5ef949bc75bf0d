"""Resources as they would be after an update, from `pulumi preview --json`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from policies.resource import Resource
from policies.sources.state import Unreadable, read_records

STAYS = {"same": ("id", "outputs"), "update": ("id",)}
"""What a step leaves as it was. The engine's account of it leaves that out of the new state."""


def read_preview(document: Any) -> tuple[Resource, ...]:
    """Read the new state of every resource that the previewed update keeps, makes or changes; raises Unreadable.

    What it keeps is there only with `--show-sames`. Values that are not known yet stay unknown, and secrets are hidden
    in such a document.
    """
    steps = _steps(document)
    return _keep_last(_apply_step(step) for step in steps if isinstance(step.get("newState"), Mapping))


def read_base(document: Any) -> tuple[Resource, ...]:
    """Read what was there before the previewed update, from the same document; raises Unreadable."""
    steps = _steps(document)
    return _keep_last(step["oldState"] for step in steps if isinstance(step.get("oldState"), Mapping))


def _steps(document: Any) -> list[Mapping[str, Any]]:
    steps = document.get("steps") if isinstance(document, Mapping) else None
    if not isinstance(steps, list):
        raise Unreadable("this is no preview: `pulumi preview --json` writes one, with steps in it")
    return [step for step in steps if isinstance(step, Mapping)]


def _apply_step(step: Mapping[str, Any]) -> Mapping[str, Any]:
    new, old = step["newState"], step.get("oldState")
    if not isinstance(old, Mapping):
        return new  # type: ignore[no-any-return]
    kept = {name: old[name] for name in STAYS.get(str(step.get("op")), ()) if name in old and not new.get(name)}
    return {**new, **kept}


def _keep_last(records: Iterator[Mapping[str, Any]]) -> tuple[Resource, ...]:
    """Keep the last record of each resource, which may stand in several steps."""
    return read_records({record.get("urn"): record for record in records}.values())
