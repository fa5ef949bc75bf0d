"""Stands between the engine and a policy pack until the pack may start.

The engine tells an analyzer its stack's name and configuration by a call, while the SDK's policy packs look for them in
their environment variables when they start. So the engine first talks to this proxy; once it has said the
configuration the real pack is started with it, and from then on every call is passed through as it is.
"""

# gRPC gives the handlers their parameters.
# ruff: noqa: ARG002

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from concurrent import futures
from typing import Any

import grpc
from pulumi.runtime.proto import analyzer_pb2

SERVICE = "/pulumirpc.Analyzer/"
UNLIMITED = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]
CONFIGURATION_SECONDS = 300


class PolicyProxy(grpc.GenericRpcHandler):  # type: ignore[misc]
    """The analyzer service, answered by a pack that is started late."""

    def __init__(self) -> None:
        self._configured = threading.Event()
        self._attached = threading.Event()
        self._configuration: bytes | None = None
        self._channel: grpc.Channel | None = None
        self._server = grpc.server(futures.ThreadPoolExecutor(max_workers=32), handlers=[self], options=UNLIMITED)
        self.port = int(self._server.add_insecure_port("127.0.0.1:0"))
        self._server.start()

    def await_environment(self) -> dict[str, str]:
        """Wait for the engine's configuration of the stack; the variables that tell it to a pack."""
        self._configured.wait(CONFIGURATION_SECONDS)
        if self._configuration is None:
            return {}
        said = analyzer_pb2.AnalyzerStackConfigureRequest.FromString(self._configuration)
        values = {
            "PULUMI_ORGANIZATION": said.organization,
            "PULUMI_PROJECT": said.project,
            "PULUMI_STACK": said.stack,
            "PULUMI_DRY_RUN": "true" if said.dry_run else "false",
            "PULUMI_CONFIG": json.dumps(dict(said.config)),
        }
        return {name: value for name, value in values.items() if value}

    def attach(self, port: int) -> None:
        """The pack listens on `port`: tell it the configuration and let the waiting calls through."""
        channel = grpc.insecure_channel(f"127.0.0.1:{port}", options=UNLIMITED)
        if self._configuration is not None:
            try:
                _method(channel, SERVICE + "ConfigureStack")(self._configuration, wait_for_ready=True)
            except grpc.RpcError as error:
                if error.code() is not grpc.StatusCode.UNIMPLEMENTED:
                    raise
        self._channel = channel
        self._attached.set()

    def close(self) -> None:
        """The pack has ended; calls that wait for it, or come later, fail."""
        self._configured.set()
        self._attached.set()
        self._server.stop(None)
        if self._channel:
            self._channel.close()

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler | None:
        method = handler_call_details.method
        if not method.startswith(SERVICE):
            return None
        own = {"Handshake": self._handshake, "ConfigureStack": self._configure}
        behaviour = own.get(method.removeprefix(SERVICE)) or self._passed_through(method)
        return grpc.unary_unary_rpc_method_handler(behaviour)

    def _handshake(self, _: bytes, context: grpc.ServicerContext) -> Any:
        return analyzer_pb2.AnalyzerHandshakeResponse().SerializeToString()

    def _configure(self, request: bytes, context: grpc.ServicerContext) -> Any:
        self._configuration = request
        self._configured.set()
        return analyzer_pb2.AnalyzerStackConfigureResponse().SerializeToString()

    def _passed_through(self, method: str) -> Callable[[bytes, grpc.ServicerContext], Any]:
        def pass_through(request: bytes, context: grpc.ServicerContext) -> Any:
            # Asked without any configuration (`pulumi policy publish`): the pack starts without one.
            self._configured.set()
            self._attached.wait()
            if self._channel is None:
                context.abort(grpc.StatusCode.UNAVAILABLE, "the policy pack did not start")
            try:
                return _method(self._channel, method)(request)
            except grpc.RpcError as error:
                context.abort(error.code(), error.details())

        return pass_through


def _method(channel: grpc.Channel, method: str) -> Any:
    """A call that carries bytes as they are: this proxy knows no message but the configuration."""
    return channel.unary_unary(method)
