"""A mock engine that records what a program registers, without an engine process or plugin."""

from __future__ import annotations

import asyncio
import importlib
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pulumi
import pytest
from google.protobuf import struct_pb2
from pulumi.runtime import rpc
from pulumi.runtime.mocks import MockMonitor, MockResourceArgs, Mocks, set_mocks
from pulumi.runtime.settings import SETTINGS, set_root_resource
from pulumi.runtime.stack import run_pulumi_func

from stacks.sdk import make_lazy

# As the program does: importing whole SDKs takes minutes on a busy machine.
make_lazy()

PROVIDERS: dict[str, tuple[str, dict[str, Any]]] = {
    "aws": ("pulumi_aws", {"region": "eu-central-1", "allowed_account_ids": ["000000000001"]}),
    "azure": ("pulumi_azure_native", {"subscription_id": "00000000-0000-0000-0000-000000000001"}),
    "gcp": ("pulumi_gcp", {"project": "living-fortress-rehearsal", "region": "europe-west3"}),
    "kubernetes": ("pulumi_kubernetes", {"kubeconfig": "{}"}),
}

Answer = Mapping[str, Any] | Callable[[str, Mapping[str, Any]], Mapping[str, Any]]
"""Outputs of a type besides its inputs: fixed, or a function of (name, inputs)."""


@dataclass(frozen=True)
class Registration:
    """A registered resource: inputs under wire names, paths of secrets, and options."""

    urn: str
    type: str
    name: str
    custom: bool
    parent: str
    provider: str
    inputs: Mapping[str, Any]
    secrets: frozenset[str]
    """Paths of inputs that arrived as secrets, e.g. `settings.flags[0].value`."""
    protect: bool
    retain_on_delete: bool
    ignore_changes: tuple[str, ...]
    secret_outputs: tuple[str, ...]
    depends_on: tuple[str, ...]

    def __getitem__(self, key: str) -> Any:
        return self.inputs[key]

    def __contains__(self, key: str) -> bool:
        return key in self.inputs

    def get(self, key: str, default: Any = None) -> Any:
        return self.inputs.get(key, default)


@dataclass
class Engine:
    """Runs a program against mocks and keeps what it registered."""

    registrations: list[Registration] = field(default_factory=list)
    outputs: dict[str, Any] = field(default_factory=dict)
    """Outputs that components registered, by URN; a component without register_outputs is missing."""
    secret_outputs: dict[str, frozenset[str]] = field(default_factory=dict)
    """Paths of those outputs that are secret, by URN."""
    calls: list[tuple[str, Mapping[str, Any]]] = field(default_factory=list)
    """Invokes in order: token and arguments."""
    answers: dict[str, Answer] = field(default_factory=dict)
    results: dict[str, Answer] = field(default_factory=dict)
    """What an invoke returns, by token."""

    def run(self, program: Callable[[], Any], *, preview: bool = False) -> Any:
        """Run the program as the engine would; return its result with outputs resolved."""

        async def whole() -> Any:
            set_root_resource(None)  # a root of an earlier test belongs to a loop that is closed
            set_mocks(_Answers(self), project="living-fortress", stack="test", preview=preview, monitor=_Monitor(self))
            SETTINGS.rpc_manager.clear()
            SETTINGS.outputs.clear()
            result: list[Any] = []

            async def body() -> None:
                result.append(await pulumi.Output.from_input(program()).future())

            await run_pulumi_func(body)
            return result[0]

        loop = asyncio.new_event_loop()
        asyncio.set_event_loop(loop)
        try:
            return loop.run_until_complete(whole())
        finally:
            asyncio.set_event_loop(None)
            loop.close()

    def on(self, *clouds: str) -> pulumi.ResourceOptions:
        """Return options with an explicit provider for each named cloud; call it inside the program."""
        return pulumi.ResourceOptions(providers=[self.provider(cloud) for cloud in clouds])

    def provider(self, cloud: str, name: str | None = None) -> pulumi.ProviderResource:
        """Return an explicit provider of one cloud, as stacks create it."""
        package, settings = PROVIDERS[cloud]
        made: pulumi.ProviderResource = importlib.import_module(package).Provider(name or cloud, **settings)
        return made

    def has(self, type_: str) -> bool:
        """Return whether there is a resource of the type."""
        return any(resource.type == type_ for resource in self.registrations)

    def all(self, type_: str) -> list[Registration]:
        """Return every resource of the type, in order of registration; fail if there is none.

        So a test that asserts inside a loop over them cannot pass without one.
        """
        found = [resource for resource in self.registrations if resource.type == type_]
        assert found, f"no resource of {type_}"
        return found

    def only(self, type_: str) -> Registration:
        """Return the one resource of the type; fail if there is none or there are several."""
        found = self.all(type_)
        assert len(found) == 1, f"{len(found)} resources of {type_}: {[resource.name for resource in found]}"
        return found[0]

    def named(self, type_: str, name: str) -> Registration:
        """Return the one resource of the type with this logical name."""
        found = [resource for resource in self.all(type_) if resource.name == name]
        assert len(found) == 1, f"no {type_} named {name}; there are {[resource.name for resource in self.all(type_)]}"
        return found[0]

    @property
    def components(self) -> list[Registration]:
        return [resource for resource in self.registrations if not resource.custom]

    @property
    def resources(self) -> list[Registration]:
        """Return custom resources without providers."""
        return [
            resource
            for resource in self.registrations
            if resource.custom and not resource.type.startswith("pulumi:providers:")
        ]

    def children(self, parent: Registration) -> list[Registration]:
        return [resource for resource in self.registrations if resource.parent == parent.urn]

    def assert_well_formed(self, prefix: str = "livingfortress:") -> None:
        """Assert that every component has our token and outputs, and every resource a provider and a parent."""
        urns = {one.urn for one in self.registrations}
        for component in self.components:
            assert component.type.startswith(prefix), f"{component.urn}: type token without {prefix}"
            assert component.urn in self.outputs, f"{component.urn} registered no outputs"
        for resource in self.resources:
            assert resource.provider, f"{resource.urn} uses a default provider"
            assert resource.parent in urns, f"{resource.urn} has no component as its parent"


class _Answers(Mocks):
    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def new_resource(self, args: MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
        answer = self.engine.answers.get(args.typ, {})
        extra = answer(args.name, args.inputs) if callable(answer) else answer
        usual = _usual_outputs(args.name, args.inputs)
        identity = str(extra.get("id") or f"{args.name}-id")
        return identity, {**usual, **args.inputs, **{k: v for k, v in extra.items() if k != "id"}}

    def call(self, args: Any) -> Any:
        self.engine.calls.append((args.token, args.args))
        answer = self.engine.results.get(args.token, {})
        return dict(answer(args.token, args.args) if callable(answer) else answer)


def _usual_outputs(name: str, _inputs: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return outputs that most resources have; a test that needs more sets `engine.answers`."""
    guid = str(uuid.uuid5(uuid.NAMESPACE_OID, name))
    return {"arn": f"arn:mock:{name}", "name": name, "principalId": guid, "clientId": guid, "tenantId": guid}


class _Monitor(MockMonitor):
    def __init__(self, engine: Engine) -> None:
        super().__init__(_Answers(engine))
        self.engine = engine

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802 (the protocol's name)
        response = super().RegisterResource(request)
        for output in request.additionalSecretOutputs:
            if output in response.object.fields:
                response.object.fields[output].CopyFrom(_as_secret(response.object.fields[output]))
        if request.type != "pulumi:pulumi:Stack":
            self.engine.registrations.append(_registration(request, response.urn))
        return response

    def RegisterResourceOutputs(self, request: Any) -> Any:  # noqa: N802
        secrets: set[str] = set()
        self.engine.outputs[request.urn] = _unwrapped(rpc.deserialize_properties(request.outputs), "", secrets)
        self.engine.secret_outputs[request.urn] = frozenset(secrets)
        return super().RegisterResourceOutputs(request)


def _registration(request: Any, urn: str) -> Registration:
    secrets: set[str] = set()
    inputs = _unwrapped(rpc.deserialize_properties(request.object), "", secrets)
    return Registration(
        urn=urn,
        type=request.type,
        name=request.name,
        custom=request.custom,
        parent=request.parent,
        provider=request.provider,
        inputs=inputs,
        secrets=frozenset(secrets),
        protect=request.protect,
        retain_on_delete=request.retainOnDelete,
        ignore_changes=tuple(request.ignoreChanges),
        secret_outputs=tuple(request.additionalSecretOutputs),
        depends_on=tuple(request.dependencies),
    )


def _as_secret(value: struct_pb2.Value) -> struct_pb2.Value:
    wrapped = struct_pb2.Value()
    wrapped.struct_value.fields[rpc._special_sig_key].string_value = rpc._special_secret_sig
    wrapped.struct_value.fields["value"].CopyFrom(value)
    return wrapped


def _unwrapped(value: Any, path: str, secrets: set[str]) -> Any:
    if rpc.is_rpc_secret(value):
        secrets.add(path)
        return _unwrapped(rpc.unwrap_rpc_secret(value), path, secrets)
    if isinstance(value, dict):
        return {k: _unwrapped(v, f"{path}.{k}" if path else k, secrets) for k, v in value.items()}
    if isinstance(value, list):
        return [_unwrapped(one, f"{path}[{i}]", secrets) for i, one in enumerate(value)]
    return value


@pytest.fixture
def engine() -> Engine:
    return Engine()


@pytest.fixture(scope="session")
def new_engine() -> Callable[[], Engine]:
    """For tests that share one run."""
    return Engine
