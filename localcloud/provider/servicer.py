"""The gRPC face of the stand-ins: protocol messages in, protocol messages out."""

from __future__ import annotations

# ruff: noqa: N802, ARG002 - the names and signatures of the methods are the protocol's
import json
from typing import Any

from google.protobuf.empty_pb2 import Empty

from localcloud.home import Home
from localcloud.provider import guard
from localcloud.provider.differences import changes
from localcloud.provider.lifecycle import Lifecycle
from localcloud.provider.proto import plugin_pb2, provider_pb2, provider_pb2_grpc
from localcloud.provider.urns import Urn
from localcloud.provider.wire import from_struct, to_struct


class StandIn(provider_pb2_grpc.ResourceProviderServicer):  # type: ignore[misc]
    def __init__(self, package: str, home: Home) -> None:
        self.package = package
        self.home = home

    def Handshake(self, request: Any, context: Any) -> Any:
        return provider_pb2.ProviderHandshakeResponse()

    def GetPluginInfo(self, request: Any, context: Any) -> Any:
        return plugin_pb2.PluginInfo(version="7.51.1")

    def GetSchema(self, request: Any, context: Any) -> Any:
        return provider_pb2.GetSchemaResponse(schema=json.dumps({"name": self.package}))

    def CheckConfig(self, request: Any, context: Any) -> Any:
        return provider_pb2.CheckResponse(inputs=request.news)

    def DiffConfig(self, request: Any, context: Any) -> Any:
        return provider_pb2.DiffResponse(changes=provider_pb2.DiffResponse.DIFF_NONE)

    def Configure(self, request: Any, context: Any) -> Any:
        configuration = guard.settings(from_struct(request.args))
        simulated = guard.simulated(self.package, configuration)
        self.lifecycle = Lifecycle(self.package, self.home, simulated, configuration, print)
        return provider_pb2.ConfigureResponse(supportsPreview=True)

    def Check(self, request: Any, context: Any) -> Any:
        if request.HasField("olds"):
            self.lifecycle.is_known(Urn.parse(request.urn))
        return provider_pb2.CheckResponse(inputs=request.news)

    def Diff(self, request: Any, context: Any) -> Any:
        found = changes(from_struct(request.old_inputs), from_struct(request.news))
        return provider_pb2.DiffResponse(
            changes=provider_pb2.DiffResponse.DIFF_SOME if found else provider_pb2.DiffResponse.DIFF_NONE
        )

    def Create(self, request: Any, context: Any) -> Any:
        inputs = from_struct(request.properties)
        if request.preview:
            return provider_pb2.CreateResponse(properties=request.properties)
        found = self.lifecycle.create(Urn.parse(request.urn), inputs)
        return provider_pb2.CreateResponse(id=found.id, properties=to_struct(found.state))

    def Read(self, request: Any, context: Any) -> Any:
        found = self.lifecycle.read(
            Urn.parse(request.urn), request.id, from_struct(request.inputs), from_struct(request.properties)
        )
        if found is None:
            return provider_pb2.ReadResponse()
        return provider_pb2.ReadResponse(id=found.id, inputs=to_struct(found.inputs), properties=to_struct(found.state))

    def Update(self, request: Any, context: Any) -> Any:
        if request.preview:
            return provider_pb2.UpdateResponse(properties=request.news)
        state = self.lifecycle.update(
            Urn.parse(request.urn), request.id, from_struct(request.olds), from_struct(request.news)
        )
        return provider_pb2.UpdateResponse(properties=to_struct(state))

    def Delete(self, request: Any, context: Any) -> Any:
        self.lifecycle.delete(Urn.parse(request.urn), request.id, from_struct(request.properties))
        return Empty()

    def Cancel(self, request: Any, context: Any) -> Any:
        return Empty()
