"""The smallest provider there can be: one type of resource, which is a JSON file in the folder TINY_FOLDER.

Run as a plugin of the engine. It speaks the provider protocol and nothing of this project.
"""

# ruff: noqa: N802

from __future__ import annotations

import json
import os
import signal
from concurrent import futures
from pathlib import Path

import grpc
from google.protobuf import empty_pb2, json_format, struct_pb2
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc

FOLDER = Path(os.environ["TINY_FOLDER"])


def struct(values):
    return json_format.ParseDict(values, struct_pb2.Struct())


def file_of(identity):
    return FOLDER / f"{identity}.json"


class Tiny(provider_pb2_grpc.ResourceProviderServicer):
    def Handshake(self, request, context):
        return provider_pb2.ProviderHandshakeResponse()

    def GetPluginInfo(self, request, context):
        return plugin_pb2.PluginInfo(version="1.0.0")

    def GetSchema(self, request, context):
        return provider_pb2.GetSchemaResponse(schema='{"name": "tiny", "version": "1.0.0"}')

    def CheckConfig(self, request, context):
        return provider_pb2.CheckResponse(inputs=request.news)

    def DiffConfig(self, request, context):
        return provider_pb2.DiffResponse(changes=provider_pb2.DiffResponse.DIFF_NONE)

    def Configure(self, request, context):
        return provider_pb2.ConfigureResponse(supportsPreview=True)

    def Check(self, request, context):
        return provider_pb2.CheckResponse(inputs=request.news)

    def Diff(self, request, context):
        kinds = provider_pb2.DiffResponse
        changed = request.olds != request.news
        return kinds(changes=kinds.DIFF_SOME if changed else kinds.DIFF_NONE)

    def Create(self, request, context):
        identity = request.urn.rpartition("::")[2]
        if not request.preview:
            self._write(identity, request.properties)
        return provider_pb2.CreateResponse(id="" if request.preview else identity, properties=request.properties)

    def Read(self, request, context):
        if not file_of(request.id).exists():
            return provider_pb2.ReadResponse()
        found = struct(json.loads(file_of(request.id).read_text()))
        return provider_pb2.ReadResponse(id=request.id, properties=found, inputs=found)

    def Update(self, request, context):
        if not request.preview:
            self._write(request.id, request.news)
        return provider_pb2.UpdateResponse(properties=request.news)

    def Delete(self, request, context):
        file_of(request.id).unlink(missing_ok=True)
        return empty_pb2.Empty()

    def Cancel(self, request, context):
        return empty_pb2.Empty()

    def _write(self, identity, properties):
        file_of(identity).write_text(json.dumps(json_format.MessageToDict(properties)))


if __name__ == "__main__":
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: os._exit(0))
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=8))
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(Tiny(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    print(port, flush=True)
    server.wait_for_termination()
