"""Create, read, change and delete resources, in plain Python: with a real body where the type has one."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from localcloud.bodies import body_for
from localcloud.body import Body, Resource
from localcloud.home import Home
from localcloud.provider.guard import Simulated, World
from localcloud.provider.records import Record, Records, Warn, merged
from localcloud.provider.urns import Urn

Properties = dict[str, Any]


@dataclass(frozen=True)
class Found:
    """A resource as it is now."""

    id: str
    inputs: Properties
    state: Properties


@dataclass
class Lifecycle:
    """The resources of one configured provider instance."""

    package: str
    home: Home
    simulated: Simulated
    provider: Mapping[str, Any]
    warn: Warn
    _known: set[str] = field(default_factory=set)
    """URNs of which the engine already has a resource: a create for one of them is a replacement."""
    _kept: set[tuple[str, str]] = field(default_factory=set)
    """Resources that a create of this process took over under their old id; the engine deletes the old one after."""

    def __post_init__(self) -> None:
        self._records = Records(self.home, self.package, self.simulated.scope, self.warn)

    def is_known(self, urn: Urn) -> None:
        """Note that the engine has a resource of this URN."""
        self._known.add(urn.text)

    def create(self, urn: Urn, inputs: Properties) -> Found:
        """Make a resource. What an interrupted create of the same URN left is taken over, not made twice."""
        with self.home.lock("records"):
            earlier = self._records.of_urn(urn)
        generation = self._generation(urn, earlier)
        identity, outputs = self._computed(urn, inputs, generation)
        body = self._body(urn)
        if body:
            made = body.create(self.home, self._resource(urn, inputs))
            identity, outputs = made.id, merged(outputs, dict(made.outputs))
        if any(record.id == identity for record in earlier):
            self._kept.add((urn.text, identity))
        record = Record(urn.text, urn.type, identity, inputs, outputs, generation)
        self._records.put(urn, record)
        return Found(identity, inputs, record.state)

    def read(self, urn: Urn, identity: str, inputs: Properties, state: Properties) -> Found | None:
        """The resource as it is now, None where it is gone; `inputs` and `state` are empty for an import."""
        record = self._records.get(urn, identity)
        body = self._body(urn)
        if body:
            before = state or (record.state if record else {})
            now = body.read(self.home, identity, before)
            if now is None:
                return None
            known = inputs or (record.inputs if record else {})
            return Found(identity, projected(known, now), dict(now))
        return Found(identity, record.inputs, record.state) if record else None

    def update(self, urn: Urn, identity: str, old: Properties, inputs: Properties) -> Properties:
        """Change a resource in place; returns its whole state."""
        record = self._records.get(urn, identity)
        generation = record.generation if record else 0
        _, outputs = self._computed(urn, inputs, generation)
        body = self._body(urn)
        if body:
            made = body.update(self.home, identity, old, self._resource(urn, inputs))
            outputs = merged(outputs, dict(made))
        changed = Record(urn.text, urn.type, identity, inputs, outputs, generation)
        self._records.put(urn, changed)
        return changed.state

    def delete(self, urn: Urn, identity: str, state: Properties) -> None:
        """Remove a resource; nothing happens where it is gone already."""
        if (urn.text, identity) in self._kept:
            self._kept.discard((urn.text, identity))
            return
        body = self._body(urn)
        if body:
            body.delete(self.home, identity, state)
        self._records.remove(urn, identity)

    def _generation(self, urn: Urn, earlier: list[Record]) -> int:
        if not earlier:
            return 0
        return earlier[-1].generation + (1 if urn.text in self._known else 0)

    def _body(self, urn: Urn) -> Body | None:
        return body_for(urn.type) if self.simulated.world is World.LOCAL else None

    def _resource(self, urn: Urn, inputs: Properties) -> Resource:
        return Resource(urn.text, urn.type, urn.name, inputs, dict(self.provider))

    def _computed(self, urn: Urn, inputs: Properties, generation: int) -> tuple[str, Properties]:
        seed = hashlib.sha256(f"{urn.text}#{generation}".encode()).hexdigest()
        return f"{urn.name}-{seed[:8]}", {"arn": f"arn:aws:local:::{urn.name}-{seed[:8]}"}


def projected(shape: Any, now: Any) -> Any:
    """The part of `now` that lies where `shape` has values: how inputs look after their state has drifted."""
    if isinstance(shape, Mapping) and isinstance(now, Mapping):
        return {key: projected(value, now[key]) for key, value in shape.items() if key in now}
    if isinstance(shape, list) and isinstance(now, list) and len(shape) == len(now):
        return [projected(mine, theirs) for mine, theirs in zip(shape, now, strict=True)]
    return now
