"""A preview as Markdown for a pull request, the most dangerous changes first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

from policies.clouds.data_stores import HOLDERS
from policies.report.writers.markdown import code, escape, shorten
from policies.resource import normalize_type

MOST_LISTED = 60
"""Most lines of a section."""
MOST_CHARACTERS = 7_000
"""Longest section. A GitHub comment holds 65,536 characters: five sections, the alarm, and compliance fit."""
MOST_PATHS = 6

KINDS = {
    "create": "created",
    "update": "changed",
    "replace": "replaced",
    "create-replacement": "replaced",
    "delete-replaced": "replaced",
    "delete": "deleted",
    "import": "imported",
    "read": "read",
}
SECTIONS = ("deleted", "replaced", "changed", "created", "imported")


@dataclass(frozen=True)
class Change:
    """A resource that the update would touch."""

    kind: str
    type: str
    name: str
    paths: tuple[str, ...]
    """Property paths that differ; for a replacement, those that force it."""

    @property
    def store(self) -> str | None:
        """Return the kind of data store that is lost with it; None if it stores no data."""
        return HOLDERS.get(normalize_type(self.type))


def changes(document: Mapping[str, Any]) -> list[Change]:
    """List the changes of a preview (`pulumi preview --json`), each resource once, in the engine's order."""
    found: dict[str, Change] = {}
    for step in document.get("steps") or ():
        kind = KINDS.get(step["op"])
        if kind is None or kind == "read":
            continue
        _, _, types, name = step["urn"].split("::", 3)
        paths = step.get("replaceReasons") if kind == "replaced" else None
        differing = tuple(paths or step.get("detailedDiff") or step.get("diffReasons") or ())
        known = found.get(step["urn"])
        if known is None or len(differing) > len(known.paths):
            found[step["urn"]] = Change(kind, types.rsplit("$", 1)[-1], name, differing)
    return list(found.values())


def render(environment: str, document: Mapping[str, Any], compliance: str = "") -> str:
    """Render the comment as Markdown; its first line is a marker to find an earlier comment.

    `compliance` is the section of a report.
    """
    found = changes(document)
    blocks = [
        f"<!-- living-fortress preview of {environment} -->",
        f"## Preview of `{environment}`",
        *_alarms(found),
        _counts(found, document),
        compliance.strip(),
        *(_section(kind, [change for change in found if change.kind == kind]) for kind in SECTIONS),
        "<sub>Simulated without credentials: the head of this pull request against a rehearsal of its base.</sub>",
    ]
    return "\n\n".join(block for block in blocks if block)


def _alarms(found: Iterable[Change]) -> Iterable[str]:
    lost = [change for change in found if change.store and change.kind in ("deleted", "replaced")]
    if lost:
        lines = [
            f"> - **{change.kind}**: {change.store} {_code(change.name)} ({_code(change.type)}){_because(change)}"
            for change in lost
        ]
        yield "> [!CAUTION]\n> **Data stores would be lost:**\n" + "\n".join(
            _fitting(lines, "> - and {} more data stores")
        )


def _counts(found: Sequence[Change], document: Mapping[str, Any]) -> str:
    if not found:
        return "No changes."
    totals = {kind: sum(change.kind == kind for change in found) for kind in SECTIONS}
    unchanged = (document.get("changeSummary") or {}).get("same", 0)
    shown = [f"{number} {kind}" for kind, number in totals.items() if number]
    return ", ".join([*shown, f"{unchanged} unchanged"]) + "."


def _section(kind: str, members: Sequence[Change]) -> str:
    if not members:
        return ""
    lines = [f"- {_code(member.type)} **{escape(shorten(member.name))}**{_because(member)}" for member in members]
    body = "\n".join(_fitting(lines, "- and {} more"))
    opened = "" if kind in ("created", "imported") else " open"
    return f"<details{opened}><summary>{len(members)} {kind}</summary>\n\n{body}\n\n</details>"


def _fitting(lines: Sequence[str], rest: str) -> list[str]:
    """Return the first lines that fit, and a line with the number of the others."""
    lengths = accumulate(len(line) + 1 for line in lines)
    shown = sum(length <= MOST_CHARACTERS for length in lengths)
    shown = min(shown, MOST_LISTED)
    return [*lines[:shown], *([rest.format(len(lines) - shown)] if shown < len(lines) else ())]


def _because(change: Change) -> str:
    if not change.paths:
        return ""
    shown = ", ".join(map(_code, change.paths[:MOST_PATHS]))
    rest = f" and {len(change.paths) - MOST_PATHS} more" if len(change.paths) > MOST_PATHS else ""
    return f": {shown}{rest}"


def _code(text: str) -> str:
    return code(shorten(text))
