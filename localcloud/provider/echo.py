"""Inputs as a cloud gives them back, where that is another shape than it takes them in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from localcloud.contract import UNKNOWN

AS_MAP = "userAssignedIdentities"
"""Azure takes the identities of a resource as a list, and tells them as a map, with what it knows of each."""


def echoed(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """The inputs of a resource as its outputs."""
    return {key: _identities(value) if key == AS_MAP else _inside(value) for key, value in inputs.items()}


def _inside(value: Any) -> Any:
    if isinstance(value, list):
        return [_inside(item) for item in value]
    return echoed(value) if isinstance(value, Mapping) else value


def _identities(value: Any) -> Any:
    if not isinstance(value, list):
        return value
    return UNKNOWN if UNKNOWN in value else {identity: {} for identity in value}
