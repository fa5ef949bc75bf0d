"""What a provider has to say beside its answers: lines that the engine shows with the resource they are about."""

from __future__ import annotations

import contextlib
from functools import cached_property
from typing import Any

import grpc


class EngineLog:
    """The engine's log; silent where there is no engine to hear it."""

    def __init__(self, address: str) -> None:
        self.address = address

    def warning(self, urn: str, text: str) -> None:
        """Show `text` as a warning about the resource `urn`."""
        if not self.address:
            return
        from localcloud.provider.proto import engine_pb2  # few runs have anything to say

        request = engine_pb2.LogRequest(severity=engine_pb2.WARNING, message=text, urn=urn)
        with contextlib.suppress(grpc.RpcError):
            self._engine.Log(request)

    @cached_property
    def _engine(self) -> Any:
        from localcloud.provider.proto import engine_pb2_grpc

        return engine_pb2_grpc.EngineStub(grpc.insecure_channel(self.address))
