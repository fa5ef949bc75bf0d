"""Where resources are read from when no engine runs the checks: a stack's state, a preview."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from policies.resource import Resource, normalize_type
from policies.view import View

VERSIONS = (3, 4)
_URN = re.compile("urn:pulumi:[^:]+::[^:]+::")
_KINDS: Mapping[str, type] = {
    "inputs": Mapping,
    "outputs": Mapping,
    "propertyDependencies": Mapping,
    "dependencies": list,
    "ignoreChanges": list,
    "additionalSecretOutputs": list,
    "parent": str,
    "provider": str,
    "sourcePosition": str,
}
"""What a record's fields must be where they are there: a state of another shape would be judged for what it is not."""


class Unreadable(Exception):
    """The document is not what it should be; says what it is instead."""


def read_state(document: Any) -> tuple[Resource, ...]:
    """Read the resources of an exported state; raises Unreadable for anything else.

    Checks see the inputs, as they do before an update; what was only read, and has no inputs, shows its outputs.
    """
    if not isinstance(document, Mapping) or not isinstance(document.get("deployment"), Mapping):
        raise Unreadable("this is no state of a stack: `pulumi stack export` writes one, with a deployment in it")
    version = document.get("version", VERSIONS[0])
    if version not in VERSIONS:
        raise Unreadable(f"the state is of version {version}; known are {', '.join(map(str, VERSIONS))}")
    records = document["deployment"].get("resources")
    if records is None:
        return ()
    if not isinstance(records, list):
        raise Unreadable("the deployment's resources are no list")
    return read_records(record for record in records if not (isinstance(record, Mapping) and record.get("delete")))


def read_records(records: Iterable[Any]) -> tuple[Resource, ...]:
    """Return resources from the engine's records of them; raises Unreadable."""
    known = [_check(record) for record in records]
    providers = {f"{one['urn']}": one for one in known if one["type"].startswith("pulumi:providers:")}
    return tuple(_resource(record, providers) for record in known)


def names_of(resources: Iterable[Resource]) -> tuple[str, str]:
    """Return the project and the stack that the URNs name, or nothing where there is no resource.

    Raises Unreadable where they name several: that is no document of one stack.
    """
    found = {(resource.urn.split("::")[1], resource.stack) for resource in resources}
    if len(found) > 1:
        stacks = ", ".join(sorted(f"{project}/{stack}" for project, stack in found))
        raise Unreadable(f"the resources belong to several stacks: {stacks}")
    return found.pop() if found else ("", "")


def _check(record: Any) -> Mapping[str, Any]:
    urn = record.get("urn") if isinstance(record, Mapping) else None
    if not isinstance(urn, str) or not _URN.match(urn) or not isinstance(record.get("type"), str):
        raise Unreadable(f"a resource without a proper URN and type: {urn!r}")
    for field, kind in _KINDS.items():
        _check_kind(urn, field, record.get(field), kind)
    return record  # type: ignore[no-any-return]


def _check_kind(urn: str, field: str, value: Any, kind: type) -> None:
    fits = value is None or isinstance(value, kind)
    if fits and kind is list:
        fits = all(isinstance(item, str) for item in value or ())
    if fits and field == "propertyDependencies":
        fits = all(urns is None or isinstance(urns, list) for urns in (value or {}).values())
    if not fits:
        raise Unreadable(f"the {field} of {urn} are not what the engine writes there")


def _resource(record: Mapping[str, Any], providers: Mapping[str, Mapping[str, Any]]) -> Resource:
    provider_urn = str(record.get("provider") or "").rpartition("::")[0]
    provider = providers.get(provider_urn, {})
    inputs, outputs = record.get("inputs") or {}, record.get("outputs") or {}
    if record.get("id"):
        outputs = {"id": record["id"], **outputs}
    dependencies = record.get("propertyDependencies") or {}
    return Resource(
        value=inputs or outputs,
        outputs=View(value=outputs, path="outputs"),
        urn=record["urn"],
        type=normalize_type(record["type"]),
        provider=View(value=provider.get("inputs") or {}, path="provider"),
        provider_urn=provider_urn,
        parent=record.get("parent") or "",
        protect=bool(record.get("protect")),
        ignore_changes=tuple(record.get("ignoreChanges") or ()),
        notes=tuple(record.get("additionalSecretOutputs") or ()),
        dependencies=tuple(record.get("dependencies") or ()),
        property_dependencies={name: tuple(urns or ()) for name, urns in dependencies.items()},
        declared=record.get("sourcePosition") or "",
    )


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
