"""The `LanguageRuntime` service, and the process around it."""

# gRPC gives the methods their names and parameters.
# ruff: noqa: N802, ARG001, ARG002

from __future__ import annotations

import argparse
import base64
import functools
import logging
import os
import signal
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent import futures
from pathlib import Path
from typing import Any

import grpc
from google.protobuf import empty_pb2, json_format
from pulumi.runtime.proto import language_pb2 as language
from pulumi.runtime.proto import language_pb2_grpc, plugin_pb2

from tools.engine import version
from tools.engine.language_host import installer, packages, plugins, program
from tools.engine.language_host.children import Children
from tools.engine.language_host.runtime import BadOption, PythonRuntime

UNLIMITED = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]
CONCURRENT_CALLS = 64
PARENT_CHECK_SECONDS = 1.0
KNOWN_FAILURES = (BadOption, packages.PackagesUnknown, plugins.NotRunnable, installer.InstallFailed, OSError)

Method = Callable[[Any, Any, grpc.ServicerContext], Any]


def _one_line(method: Method) -> Method:
    """A known failure reaches the engine as its message, not as an exception."""

    @functools.wraps(method)
    def call(self: Any, request: Any, context: grpc.ServicerContext) -> Any:
        try:
            return method(self, request, context)
        except KNOWN_FAILURES as failure:
            context.abort(grpc.StatusCode.FAILED_PRECONDITION, str(failure))

    return call


def _one_line_stream(method: Method) -> Method:
    """The same for a method that answers in pieces."""

    @functools.wraps(method)
    def call(self: Any, request: Any, context: grpc.ServicerContext) -> Iterator[Any]:
        try:
            yield from method(self, request, context)
        except KNOWN_FAILURES as failure:
            context.abort(grpc.StatusCode.FAILED_PRECONDITION, str(failure))

    return call


class LanguageHost(language_pb2_grpc.LanguageRuntimeServicer):
    """Answers the engine about running Python; code generation is declined."""

    def __init__(self, engine: str, executor: Path, children: Children) -> None:
        self._engine = engine
        self._executor = executor
        self._children = children

    def Handshake(self, request: Any, context: grpc.ServicerContext) -> Any:
        self._engine = request.engine_address or self._engine
        return language.LanguageHandshakeResponse()

    def GetPluginInfo(self, request: Any, context: grpc.ServicerContext) -> Any:
        return plugin_pb2.PluginInfo(version=version.pinned())

    @_one_line
    def GetRequiredPackages(self, request: Any, context: grpc.ServicerContext) -> Any:
        asked = map(packages.plugin_of, packages.installed(_runtime(request.info)))
        return language.GetRequiredPackagesResponse(packages=[dependency(plugin) for plugin in asked if plugin])

    @_one_line
    def GetProgramDependencies(self, request: Any, context: grpc.ServicerContext) -> Any:
        found = packages.installed(_runtime(request.info))
        wanted = found if request.transitiveDependencies else packages.direct(found)
        return language.GetProgramDependenciesResponse(
            dependencies=[language.DependencyInfo(name=package.name, version=package.version) for package in wanted]
        )

    @_one_line
    def About(self, request: Any, context: grpc.ServicerContext) -> Any:
        runtime = _runtime(request.info)
        return language.AboutResponse(
            executable=str(runtime.interpreter),
            version=packages.python_version(runtime),
            metadata={"toolchain": runtime.toolchain, "typechecker": runtime.type_checker or "none"},
        )

    @_one_line
    def Run(self, request: Any, context: grpc.ServicerContext) -> Any:
        return program.run_program(request, self._engine, self._executor, _runtime(request.info), self._children)

    @_one_line_stream
    def RunPlugin(self, request: Any, context: grpc.ServicerContext) -> Any:
        run = plugins.kind_of(request, _options(request.info))(request, _runtime(request.info), self._children)
        context.add_callback(run.cancel)
        return run.responses()

    @_one_line_stream
    def InstallDependencies(self, request: Any, context: grpc.ServicerContext) -> Any:
        runtime = PythonRuntime.of(request.info.root_directory, _options(request.info))
        return installer.install_dependencies(Path(request.info.program_directory), runtime, self._children)

    def RuntimeOptionsPrompts(self, request: Any, context: grpc.ServicerContext) -> Any:
        return language.RuntimeOptionsResponse()

    def Template(self, request: Any, context: grpc.ServicerContext) -> Any:
        return language.TemplateResponse()

    def Cancel(self, request: Any, context: grpc.ServicerContext) -> Any:
        self._children.stop_all()
        return empty_pb2.Empty()


def _declined(self: Any, request: Any, context: grpc.ServicerContext) -> Any:
    context.abort(
        grpc.StatusCode.UNIMPLEMENTED,
        "this Python language host runs programs and generates no code; the official Pulumi distribution does both",
    )


for _name in ("GetRequiredPlugins", "GenerateProgram", "GenerateProject", "GeneratePackage", "Pack", "Link"):
    setattr(LanguageHost, _name, _declined)


def main(arguments: Sequence[str]) -> int:
    """Serve until the engine says stop or is gone."""
    options = _arguments(arguments)
    if options.version:
        print(version.pinned())
        return 0
    # What goes wrong in a call reaches the engine as the call's error; grpc would log it with a traceback as well.
    logging.getLogger("grpc").addHandler(logging.NullHandler())
    logging.getLogger("grpc").propagate = False
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    children = Children()
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=CONCURRENT_CALLS), options=UNLIMITED)
    host = LanguageHost(options.engine, options.executor, children)
    language_pb2_grpc.add_LanguageRuntimeServicer_to_server(host, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    print(port, flush=True)
    _wait(stop, os.getppid())
    children.close()
    # Not sys.exit: that would wait for the threads of calls which nobody listens to any more.
    os._exit(0)


def _arguments(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="pulumi-language-python", allow_abbrev=False)
    parser.add_argument("engine", nargs="?", default="", help="address of the engine")
    parser.add_argument("-version", "--version", action="store_true", help="print the version and exit")
    parser.add_argument("--executor", type=Path, default=Path(), help="the SDK's pulumi-language-python-exec")
    known, _ = parser.parse_known_args(arguments)
    return known


def _wait(stop: threading.Event, engine: int) -> None:
    """Wait for a stop signal, or for the engine's death (then this process has another parent)."""
    while not stop.wait(PARENT_CHECK_SECONDS):
        if os.getppid() != engine:
            return


def _runtime(info: Any) -> PythonRuntime:
    runtime = PythonRuntime.of(info.root_directory, _options(info))
    runtime.check()
    return runtime


def _options(info: Any) -> Mapping[str, Any]:
    return json_format.MessageToDict(info.options) if info.HasField("options") else {}


def dependency(plugin: packages.Plugin) -> Any:
    """The engine's message for a plugin that a package asks for."""
    return plugin_pb2.PackageDependency(
        kind="resource",
        name=plugin.name,
        version=plugin.version,
        server=plugin.server,
        parameterization=_parameterization(plugin.parameterization),
        extension=_parameterization(plugin.extension),
    )


def _parameterization(facts: Mapping[str, Any] | None) -> Any:
    if facts is None:
        return None
    value = base64.b64decode(facts.get("value") or "")
    return plugin_pb2.PackageParameterization(name=facts["name"], version=facts["version"], value=value)
