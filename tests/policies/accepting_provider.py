"""A provider that takes whatever it is given and makes nothing: for resources that no cloud and no emulator would take.

What replaces a resource it knows from the facts about the clouds.
"""

# ruff: noqa: N802

from __future__ import annotations

import hashlib
import os
import signal
import sys
from concurrent import futures
from pathlib import Path

import grpc

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from google.protobuf import empty_pb2, json_format
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc

from localcloud import contract
from localcloud.provider.differences import changes
from policies.resource import drop_api_version
from tests.engine.tiny_provider import Tiny, struct

OUTPUTS = "__outputs"


class Accepting(Tiny):
    def Diff(self, request, context):
        kinds = provider_pb2.DiffResponse
        token = drop_api_version(request.urn.rpartition("::")[0].rpartition("$")[2].rpartition("::")[2])
        old, new = (json_format.MessageToDict(one) for one in (request.old_inputs, request.news))
        found = changes(old, new, contract.replaced_by(token) or ())
        return kinds(
            changes=kinds.DIFF_SOME if found else kinds.DIFF_NONE,
            replaces=[change.text for change in found if change.replaces],
        )

    def Create(self, request, context):
        identity = hashlib.sha256(request.urn.encode()).hexdigest()[:16]
        return provider_pb2.CreateResponse(
            id="" if request.preview else identity, properties=_given_back(request.properties)
        )

    def Update(self, request, context):
        return provider_pb2.UpdateResponse(properties=_given_back(request.news))

    def Delete(self, request, context):
        return empty_pb2.Empty()


def _given_back(properties):
    given = json_format.MessageToDict(properties)
    return struct({**given, **given.pop(OUTPUTS, {})})


if __name__ == "__main__":
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: os._exit(0))
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=8))
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(Accepting(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    print(port, flush=True)
    server.wait_for_termination()
