"""The gRPC face of the emulators: protocol messages in, protocol messages out."""

# ruff: noqa: N802, ARG002 - the names and signatures of the methods are the protocol's
from __future__ import annotations

import json
from collections.abc import Iterable
from threading import Event
from typing import Any, TypeAlias

from google.protobuf.empty_pb2 import Empty

from localcloud.contract import Problem, sources
from localcloud.provider import guard, invokes
from localcloud.provider.checking import Difference, checked, checked_provider, difference, provider_difference
from localcloud.provider.engine_log import EngineLog
from localcloud.provider.failures import NotOffered, answering
from localcloud.provider.lifecycle import Lifecycle
from localcloud.provider.naming import Urn
from localcloud.provider.proto import plugin_pb2, provider_pb2, provider_pb2_grpc
from localcloud.provider.wire import from_struct, to_struct
from localcloud.sandbox import Sandbox

DiffResponse = provider_pb2.DiffResponse
PropertyDiff = provider_pb2.PropertyDiff
Context: TypeAlias = Any
"""A gRPC call; the library has no types."""


class ProviderEmulator(provider_pb2_grpc.ResourceProviderServicer):
    """One provider instance of one package: the engine starts a process for each."""

    def __init__(self, package: str, sandbox: Sandbox, engine: str = "") -> None:
        self.package = package
        self.sandbox = sandbox
        self.log = EngineLog(engine)
        self.interrupted = Event()
        self._lifecycle: Lifecycle | None = None
        self._settings: dict[str, object] = {}

    # The process and its configuration

    @answering
    def Handshake(
        self, request: provider_pb2.ProviderHandshakeRequest, context: Context
    ) -> provider_pb2.ProviderHandshakeResponse:
        """Plain values, please: no secrets, resources or outputs wrapped in objects."""
        self.log = EngineLog(request.engine_address or self.log.address)
        return provider_pb2.ProviderHandshakeResponse()

    @answering
    def GetPluginInfo(self, request: Empty, context: Context) -> plugin_pb2.PluginInfo:
        """The version of the SDK whose contract this emulator keeps."""
        return plugin_pb2.PluginInfo(version=sources.version(self.package))

    @answering
    def GetSchema(self, request: provider_pb2.GetSchemaRequest, context: Context) -> provider_pb2.GetSchemaResponse:
        """A schema without types: enough for an import without generated code."""
        schema = {"name": self.package, "version": sources.version(self.package), "resources": {}}
        return provider_pb2.GetSchemaResponse(schema=json.dumps(schema))

    @answering
    def CheckConfig(self, request: provider_pb2.CheckRequest, context: Context) -> provider_pb2.CheckResponse:
        """Refuse what names a real account, and default providers."""
        problems = checked_provider(self.package, Urn.parse(request.urn), from_struct(request.news))
        return provider_pb2.CheckResponse(inputs=request.news, failures=_failures(problems, request.urn))

    @answering
    def DiffConfig(self, request: provider_pb2.DiffRequest, context: Context) -> provider_pb2.DiffResponse:
        """Another account, region or cluster is another provider."""
        old = from_struct(request.old_inputs if request.HasField("old_inputs") else request.olds)
        return _diff_response(provider_difference(self.package, old, from_struct(request.news)))

    @answering
    def Configure(self, request: provider_pb2.ConfigureRequest, context: Context) -> provider_pb2.ConfigureResponse:
        """Decide by the configuration which sandbox this instance simulates."""
        self._settings = guard.settings(from_struct(request.args))
        simulated = guard.simulated(self.package, self._settings)
        if simulated:
            self._lifecycle = Lifecycle(
                self.package, self.sandbox, simulated, self._settings, self.log.warning, self.interrupted
            )
        return provider_pb2.ConfigureResponse(supportsPreview=True)

    @property
    def lifecycle(self) -> Lifecycle:
        """The resources of this instance; raises NotOffered before it is configured."""
        if self._lifecycle is None:
            raise NotOffered("this provider's account or kubeconfig is not known yet, so nothing can be done with it")
        return self._lifecycle

    # Resources

    @answering
    def Check(self, request: provider_pb2.CheckRequest, context: Context) -> provider_pb2.CheckResponse:
        """Hold the inputs against the contract, and name what the program left unnamed."""
        urn = Urn.parse(request.urn)
        old = from_struct(request.olds)  # empty for what the engine does not have yet
        if old:
            self.lifecycle.is_known(urn)
        namespace = self._settings.get("namespace")
        inputs, problems = checked(
            self.package,
            urn,
            from_struct(request.news),
            old or self.lifecycle.left_behind(urn),
            request.randomSeed or urn.text.encode(),
            namespace if isinstance(namespace, str) else None,
        )
        return provider_pb2.CheckResponse(inputs=to_struct(inputs), failures=_failures(problems, request.urn))

    @answering
    def Diff(self, request: provider_pb2.DiffRequest, context: Context) -> provider_pb2.DiffResponse:
        """What a change means; says so where it is not known whether it replaces."""
        urn = Urn.parse(request.urn)
        self.lifecycle.is_known(urn)
        found = difference(self.package, urn.type, from_struct(request.old_inputs), from_struct(request.news))
        if found.replacement_unknown:
            places = ", ".join(change.text for change in found.changes)
            self.log.warning(urn.text, f"it is not known whether a change of {places} replaces a {urn.type}")
        return _diff_response(found, delete_first=found.delete_first or self.lifecycle.has_emulator(urn))

    @answering
    def Create(self, request: provider_pb2.CreateRequest, context: Context) -> provider_pb2.CreateResponse:
        """Make a resource, or tell what would be made."""
        urn, inputs = Urn.parse(request.urn), from_struct(request.properties)
        if request.preview:
            found = self.lifecycle.preview_create(urn, inputs)
        else:
            found = self.lifecycle.create(urn, inputs, request.timeout)
        return provider_pb2.CreateResponse(id=found.id, properties=to_struct(found.state))

    @answering
    def Read(self, request: provider_pb2.ReadRequest, context: Context) -> provider_pb2.ReadResponse:
        """The resource as it is now; an empty answer where it is gone."""
        found = self.lifecycle.read(
            Urn.parse(request.urn), request.id, from_struct(request.inputs), from_struct(request.properties)
        )
        if found is None:
            return provider_pb2.ReadResponse()
        return provider_pb2.ReadResponse(id=found.id, inputs=to_struct(found.inputs), properties=to_struct(found.state))

    @answering
    def Update(self, request: provider_pb2.UpdateRequest, context: Context) -> provider_pb2.UpdateResponse:
        """Change a resource in place, or tell what it would look like."""
        old, old_inputs, inputs = map(from_struct, (request.olds, request.old_inputs, request.news))
        if request.preview:
            state = self.lifecycle.preview_update(old, old_inputs, inputs)
        else:
            urn = Urn.parse(request.urn)
            state = self.lifecycle.update(urn, request.id, old, old_inputs, inputs, request.timeout)
        return provider_pb2.UpdateResponse(properties=to_struct(state))

    @answering
    def Delete(self, request: provider_pb2.DeleteRequest, context: Context) -> Empty:
        """Remove a resource."""
        self.lifecycle.delete(Urn.parse(request.urn), request.id, from_struct(request.properties))
        return Empty()

    # Functions

    @answering
    def Invoke(self, request: provider_pb2.InvokeRequest, context: Context) -> provider_pb2.InvokeResponse:
        """Answer one of the functions that programs call."""
        answer = invokes.answer(request.tok, from_struct(request.args), self.lifecycle)
        return provider_pb2.InvokeResponse(**{"return": to_struct(answer)})

    @answering
    def Call(self, request: provider_pb2.CallRequest, context: Context) -> provider_pb2.CallResponse:
        """Methods belong to components, of which the emulators construct none."""
        raise NotOffered("localcloud's emulators have no methods")

    @answering
    def Construct(self, request: provider_pb2.ConstructRequest, context: Context) -> provider_pb2.ConstructResponse:
        """Components inside of providers are not simulated."""
        raise NotOffered(
            f"{request.type} {request.name!r}: localcloud's emulators construct no components; "
            "use resources that have no component inside the provider (for Helm: helm.v3.Release)"
        )

    @answering
    def GetMapping(self, request: provider_pb2.GetMappingRequest, context: Context) -> provider_pb2.GetMappingResponse:
        """Nothing is converted from other tools."""
        return provider_pb2.GetMappingResponse()

    @answering
    def GetMappings(
        self, request: provider_pb2.GetMappingsRequest, context: Context
    ) -> provider_pb2.GetMappingsResponse:
        """Nothing is converted from other tools."""
        return provider_pb2.GetMappingsResponse()

    @answering
    def Cancel(self, request: Empty, context: Context) -> Empty:
        """The user stops the run: emulators that wait give up."""
        self.interrupted.set()
        return Empty()


def _failures(problems: Iterable[Problem], urn: str) -> list[provider_pb2.CheckFailure]:
    """The engine shows type and logical name of the resource only; the URN tells the one that is meant."""
    return [
        provider_pb2.CheckFailure(property=problem.path, reason=f"{problem.message} [{urn}]") for problem in problems
    ]


def _diff_response(found: Difference, *, delete_first: bool = False) -> provider_pb2.DiffResponse:
    if not found.changes:
        return DiffResponse(changes=DiffResponse.DIFF_NONE)
    detailed = {
        change.text: PropertyDiff(
            kind=PropertyDiff.Kind.Value(f"{change.kind.value}_REPLACE" if change.replaces else change.kind.value),
            inputDiff=True,
        )
        for change in found.changes
    }
    return DiffResponse(
        changes=DiffResponse.DIFF_SOME,
        diffs=dict.fromkeys(str(change.path[0]) for change in found.changes),
        replaces=dict.fromkeys(str(change.path[0]) for change in found.changes if change.replaces),
        deleteBeforeReplace=found.replaces and delete_first,
        detailedDiff=detailed,
        hasDetailedDiff=True,
    )
