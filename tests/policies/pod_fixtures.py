"""Fixtures that stand under `pods`, once for all types that hold pods: their cases are specifications of pods."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from policies.clouds.pods import POD_SPECS, pod_reads

PODS = "pods"
LISTS = ("good", "bad")
BY_PATH = ("absent", "unknown", "wrong")


def by_type(types: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The fixtures of one control, each under a resource type."""
    for token, entry in types.items():
        if token == PODS:
            yield from ((spec, _placed(entry, spec)) for spec in POD_SPECS)
        else:
            yield token, entry


def _placed(entry: Mapping[str, Any], token: str) -> dict[str, Any]:
    """The entry with pods where that type keeps them, and paths from there."""
    placed = dict(entry)
    for key in LISTS:
        placed[key] = [_case(one, token) for one in entry[key]]
    if "other" in entry:
        placed["other"] = {status: [_case(case, token) for case in cases] for status, cases in entry["other"].items()}
    for key in BY_PATH:
        if isinstance(entry.get(key), Mapping):
            placed[key] = {path: status for one, status in entry[key].items() for path in pod_reads(token, one)}
    return placed


def _case(written: Mapping[str, Any], token: str) -> dict[str, Any]:
    """A case whose `given`, or the whole of it, is a pod; `beside` is what the resource has besides pods."""
    whole = dict(written) if "given" in written else {"given": written}
    given, beside = whole["given"], whole.pop("beside", {})
    for name in reversed(POD_SPECS[token].split(".")):
        given = {name: given}
    return {**whole, "given": {**beside, **given}}
