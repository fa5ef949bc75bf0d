"""Resources as they would be after an update, from `pulumi preview --json`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from policies.resource import Resource
from policies.sources.state import Unreadable, read_records


def read_preview(document: Any) -> tuple[Resource, ...]:
    """The new state of every resource that the previewed update keeps, makes or changes; raises Unreadable.

    What it keeps is there only with `--show-sames`. Values that are not known yet stay unknown, and secrets are hidden
    in such a document.
    """
    return _records(document, "newState")


def read_base(document: Any) -> tuple[Resource, ...]:
    """What was there before the previewed update, from the same document; raises Unreadable."""
    return _records(document, "oldState")


def _records(document: Any, which: str) -> tuple[Resource, ...]:
    steps = document.get("steps") if isinstance(document, Mapping) else None
    if not isinstance(steps, list):
        raise Unreadable("this is no preview: `pulumi preview --json` writes one, with steps in it")
    found = {}
    for step in steps:
        record = step.get(which) if isinstance(step, Mapping) else None
        if isinstance(record, Mapping):
            found[record.get("urn")] = record
    return read_records(found.values())
