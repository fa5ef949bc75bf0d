"""A preview as Markdown for a pull request: what a reviewer must see first comes first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

MOST_LISTED = 60
"""Lines of one section; a comment on GitHub holds at most 65,536 characters."""

DATA_STORES = {
    "aws:rds/instance:Instance": "PostgreSQL server",
    "aws:kms/key:Key": "encryption key",
    "aws:cloudwatch/logGroup:LogGroup": "log group",
    "azure-native:dbforpostgresql:Server": "PostgreSQL server",
    "azure-native:dbforpostgresql:Database": "database",
    "azure-native:keyvault:Vault": "key vault",
    "azure-native:keyvault:Key": "encryption key",
    "azure-native:operationalinsights:Workspace": "log workspace",
    "azure-native:resources:ResourceGroup": "resource group with all in it",
    "gcp:sql/databaseInstance:DatabaseInstance": "PostgreSQL server",
    "gcp:sql/database:Database": "database",
    "gcp:kms/keyRing:KeyRing": "key ring",
    "gcp:kms/cryptoKey:CryptoKey": "encryption key",
    "kubernetes:core/v1:PersistentVolumeClaim": "volume",
}
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
    """One resource that the preview would touch."""

    kind: str
    type: str
    name: str
    paths: tuple[str, ...]
    """Property paths that differ; those that force a replacement where it is one."""

    @property
    def store(self) -> str | None:
        """What data it holds, None where it holds none."""
        return DATA_STORES.get(self.type)


def changes(document: Mapping[str, Any]) -> list[Change]:
    """The changes of an engine preview (`pulumi preview --json`), each resource once, in the engine's order."""
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
    """The Markdown; its first line is a marker by which an earlier comment of this environment is found again.

    `compliance` is the section that a report writes.
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
        yield "> [!CAUTION]\n> **Data stores would be lost:**\n" + "\n".join(
            f"> - **{change.kind}**: {change.store} `{change.name}` (`{change.type}`){_because(change)}"
            for change in lost
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
    lines = [f"- `{change.type}` **{change.name}**{_because(change)}" for change in members[:MOST_LISTED]]
    if len(members) > MOST_LISTED:
        lines.append(f"- and {len(members) - MOST_LISTED} more")
    body = "\n".join(lines)
    opened = "" if kind in ("created", "imported") else " open"
    return f"<details{opened}><summary>{len(members)} {kind}</summary>\n\n{body}\n\n</details>"


def _because(change: Change) -> str:
    if not change.paths:
        return ""
    shown = ", ".join(f"`{path}`" for path in change.paths[:6])
    rest = f" and {len(change.paths) - 6} more" if len(change.paths) > 6 else ""
    return f": {shown}{rest}"
