"""Create, read, change and delete resources, in plain Python: with an emulator where the type has one."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from threading import Event
from typing import Any

from localcloud import contract
from localcloud.contract import UNKNOWN
from localcloud.emulator import Emulator, Resource, emulator_for
from localcloud.provider import kubernetes
from localcloud.provider.guard import Simulated, SimulationMode
from localcloud.provider.naming import Urn
from localcloud.provider.properties import Properties, merged, projected, public, unknown, with_outputs, without
from localcloud.provider.resource_store import (
    DIGEST_CHARACTERS,
    RecordedResource,
    ResourceStore,
    Warn,
    hidden,
    restored,
)
from localcloud.sandbox import Sandbox

KNOWN_AT_PREVIEW: Mapping[str, frozenset[str]] = {
    "aws:eks/cluster:Cluster": frozenset({"endpoint", "certificateAuthority"}),
    "azure-native:containerservice:ManagedCluster": frozenset({"name"}),
    "gcp:container/cluster:Cluster": frozenset({"endpoint", "masterAuth"}),
}
"""Outputs that a preview tells already, with the id, where a real cloud cannot. Kubeconfigs are made of them, and the
engine asks a Kubernetes provider nothing while its kubeconfig is unknown: no shape in a new cluster is checked."""


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
    sandbox: Sandbox
    simulated: Simulated
    provider: Mapping[str, Any]
    warn: Warn
    interrupted: Event = field(default_factory=Event)
    _known: set[str] = field(default_factory=set)
    """URNs of which the engine already has a resource: a create for one of them is a replacement."""
    _kept: set[tuple[str, str]] = field(default_factory=set)
    """Resources that a create of this process took over under their old id; the engine deletes the old one after."""

    def __post_init__(self) -> None:
        self.store = ResourceStore(
            self.sandbox, self.package, f"{self.simulated.mode.value}-{self.simulated.scope}", self.warn
        )

    def is_known(self, urn: Urn) -> None:
        """Note that the engine has a resource of this URN."""
        self._known.add(urn.text)

    def left_behind(self, urn: Urn) -> Properties:
        """The inputs of what an interrupted run made and the engine knows nothing of; its generated name stays."""
        earlier = [] if urn.text in self._known else self.store.of_urn(urn)
        return earlier[-1].inputs if earlier else {}

    def has_emulator(self, urn: Urn) -> bool:
        """Whether resources of this type are more than a record here."""
        return self._emulator(urn) is not None

    def create(self, urn: Urn, inputs: Properties, timeout: float) -> Found:
        """Make a resource. What an interrupted create of the same URN left is taken over, not made twice."""
        earlier = self.store.of_urn(urn)
        generation = self._generation(urn, earlier)
        identity, outputs = self._computed(urn, inputs, generation)
        emulator = self._emulator(urn)
        if emulator:
            with self._alone(urn):
                made = emulator.create(self.sandbox, self._resource(urn, inputs, timeout))
            identity, outputs = made.id, merged(outputs, made.outputs)
        if any(record.id == identity for record in earlier):
            self._kept.add((urn.text, identity))
        self.store.add(urn, self._recorded(RecordedResource(urn.text, urn.type, identity, inputs, outputs, generation)))
        return Found(identity, inputs, with_outputs(inputs, outputs))

    def preview_create(self, urn: Urn, inputs: Properties) -> Found:
        """What a create would give: the inputs, and id and outputs as unknown, the id as no text."""
        identity = ""
        computed, outputs = self._computed(urn, inputs, 0)
        early = KNOWN_AT_PREVIEW.get(urn.type, frozenset())
        if early and computed is not UNKNOWN:
            identity = computed
        state: Properties = dict.fromkeys(_output_names(urn), UNKNOWN)
        later = {name: value if name in early else unknown(value) for name, value in outputs.items()}
        return Found(identity, inputs, state | with_outputs(inputs, later))

    def read(self, urn: Urn, identity: str, inputs: Properties, state: Properties) -> Found | None:
        """The resource as it is now, None where it is gone; `inputs` and `state` are empty for an import."""
        record = self.store.get(urn, identity)
        emulator = self._emulator(urn)
        if emulator:
            now = emulator.read(self.sandbox, identity, state or (record.state if record else {}))
            if now is None:
                return None
            known = inputs or (record.inputs if record else {})
            return Found(identity, projected(known, now), dict(now))
        if record is None:
            return None
        known = restored(record.inputs, inputs, urn.type)
        return Found(identity, known, with_outputs(known, restored(record.outputs, state, urn.type)))

    def update(
        self, urn: Urn, identity: str, old: Properties, old_inputs: Properties, inputs: Properties, timeout: float
    ) -> Properties:
        """Change a resource in place; returns its whole state."""
        record = self.store.get(urn, identity)
        generation = record.generation if record else 0
        _, outputs = self._computed(urn, inputs, generation)
        if record is None:
            outputs = merged(outputs, without(old, public(old_inputs)))
        emulator = self._emulator(urn)
        if emulator:
            with self._alone(urn):
                made = emulator.update(self.sandbox, identity, old, self._resource(urn, inputs, timeout))
            outputs = merged(outputs, made)
        self.store.put(urn, self._recorded(RecordedResource(urn.text, urn.type, identity, inputs, outputs, generation)))
        return with_outputs(inputs, outputs)

    def preview_update(self, old: Properties, old_inputs: Properties, inputs: Properties) -> Properties:
        """What an update would give: the new inputs, and the outputs as they are."""
        return merged(without(old, public(old_inputs)), with_outputs(inputs, {}))

    def delete(self, urn: Urn, identity: str, state: Properties) -> None:
        """Remove a resource; nothing happens where it is gone already."""
        if (urn.text, identity) in self._kept:
            self._kept.discard((urn.text, identity))
            return
        emulator = self._emulator(urn)
        if emulator:
            with self._alone(urn):
                emulator.delete(self.sandbox, identity, state)
        self.store.remove(urn, identity)

    def _recorded(self, record: RecordedResource) -> RecordedResource:
        """The record as it may be written down: without secrets."""
        secret = _secret_names(record.type)
        inputs, outputs = (hidden(part, secret, record.type) for part in (record.inputs, record.outputs))
        return replace(record, inputs=inputs, outputs=outputs)

    def _generation(self, urn: Urn, earlier: list[RecordedResource]) -> int:
        if not earlier:
            return 0
        return earlier[-1].generation + (1 if urn.text in self._known else 0)

    def _emulator(self, urn: Urn) -> Emulator | None:
        return emulator_for(urn.type) if self.simulated.mode is SimulationMode.LOCAL else None

    def _alone(self, urn: Urn) -> AbstractContextManager[None]:
        """Two runs at once never work on one emulator: the second finds what the first has done."""
        return self.sandbox.lock(f"emulator-{hashlib.sha256(urn.text.encode()).hexdigest()[:DIGEST_CHARACTERS]}")

    def _resource(self, urn: Urn, inputs: Properties, timeout: float) -> Resource:
        return Resource(
            urn=urn.text,
            type=urn.type,
            name=urn.name,
            inputs=public(inputs),
            provider=dict(self.provider),
            timeout=timeout,
            interrupted=self.interrupted,
        )

    def _computed(self, urn: Urn, inputs: Properties, generation: int) -> tuple[Any, Properties]:
        """The id and the outputs that the cloud would choose; a replacement gets others than what it replaces."""
        seed = f"{generation}:{urn.text}" if generation else urn.text
        context = contract.Context(urn=seed, inputs=inputs, provider=self.provider, mode=self.simulated.mode.value)
        outputs = contract.computed(urn.type, context)
        if self.package == "kubernetes":
            outputs = merged(kubernetes.server_side(urn.type, seed, inputs), outputs)
        identity = outputs.pop("id")
        if urn.type == kubernetes.HELM_RELEASE:
            identity = kubernetes.identity(urn.type, inputs)
        return identity, without(outputs, public(inputs))


def _secret_names(token: str) -> tuple[str, ...]:
    try:
        return contract.secret_outputs(token)
    except contract.UnknownType:
        return ()


def _output_names(urn: Urn) -> list[str]:
    try:
        return list(contract.outputs(urn.type))
    except contract.UnknownType:
        return []
