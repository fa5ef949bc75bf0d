"""Run a plugin (a policy pack, a provider written in Python) and stream what it says to the engine."""

from __future__ import annotations

import os
import queue
import threading
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from pulumi.runtime.proto import language_pb2 as language

from tools.engine.language_host.children import Children, Process
from tools.engine.language_host.policy_proxy import PolicyProxy
from tools.engine.language_host.runtime import PythonRuntime

CHUNK = 65536
ANALYZER = "analyzer"
CONFIGURED_BY_CALL = "configuredByCall"
"""The `runtime` option of a policy pack that takes its stack's configuration from the engine's call, and so needs no
proxy, which would cost half of what its answers cost. Other hosts pass it over."""

Said = tuple[str, bytes]


class NotRunnable(Exception):
    """The plugin's folder holds nothing that can be run; names the folder."""


class PluginRun:
    """One plugin from its start to its end; `cancel` may come at any time, from another thread."""

    def __init__(self, request: Any, runtime: PythonRuntime, children: Children) -> None:
        self._request = request
        self._children = children
        self._runtime = runtime
        self._lock = threading.Lock()
        self._cancelled = False
        self._process: Process | None = None

    def responses(self) -> Iterator[Any]:
        """Yield the answers of `RunPlugin`: output as it comes, the exit code last."""
        given = dict(pair.split("=", 1) for pair in self._request.env if "=" in pair)
        environment = self._runtime.environment(given or os.environ)
        command = [self._runtime.interpreter, "-u", *plugin_program(self._request), *self._request.args]
        yield from self._run(command, self._request.pwd, environment)

    def cancel(self) -> None:
        with self._lock:
            self._cancelled = True
            process = self._process
        if process:
            self._children.stop(process)

    def _run(self, command: Sequence[str | Path], folder: str, environment: Mapping[str, str]) -> Iterator[Any]:
        process = self._start(command, folder, environment)
        if process is None:
            return
        for stream, data in self._said(process):
            yield response(stream, data)
        yield language.RunPluginResponse(exitcode=self._children.wait(process))

    def _said(self, process: Process) -> Iterator[Said]:
        yield from spoken(process)

    def _start(self, command: Sequence[str | Path], folder: str, environment: Mapping[str, str]) -> Process | None:
        with self._lock:
            if not self._cancelled:
                self._process = self._children.start(command, folder=folder, environment=environment, piped=True)
            return self._process


class PolicyPackRun(PluginRun):
    """A policy pack: started behind a proxy, once the engine has said the stack's configuration."""

    def __init__(self, request: Any, runtime: PythonRuntime, children: Children) -> None:
        super().__init__(request, runtime, children)
        self._proxy = PolicyProxy()

    def responses(self) -> Iterator[Any]:
        try:
            yield language.RunPluginResponse(stdout=f"{self._proxy.port}\n".encode())
            environment = self._runtime.environment(os.environ) | self._proxy.await_environment()
            environment |= dict(pair.split("=", 1) for pair in self._request.env if "=" in pair)
            folder = self._request.info.program_directory
            command = [self._runtime.interpreter, "-u", "-m", "pulumi.policy", *self._request.args, folder]
            yield from self._run(command, folder, self._runtime.environment(environment))
        finally:
            self._proxy.close()

    def cancel(self) -> None:
        super().cancel()
        self._proxy.close()

    def _said(self, process: Process) -> Iterator[Said]:
        """All but the line with the pack's port, for the engine knows the proxy's; earlier lines pass."""
        unfinished = b""
        attached = False
        for stream, data in spoken(process):
            if attached or stream != "stdout":
                yield stream, data
                continue
            *lines, unfinished = (unfinished + data).split(b"\n")
            for line in lines:
                if not attached and line.strip().isdigit():
                    attached = True
                    self._proxy.attach(int(line))
                else:
                    yield "stdout", line + b"\n"
            if attached and unfinished:
                yield "stdout", unfinished
        if unfinished and not attached:
            yield "stdout", unfinished


def kind_of(request: Any, options: Mapping[str, Any]) -> type[PluginRun]:
    """Return the run that fits what the engine asks for."""
    return PolicyPackRun if request.kind == ANALYZER and not options.get(CONFIGURED_BY_CALL) else PluginRun


def plugin_program(request: Any) -> list[str]:
    """Interpreter arguments that run the plugin in its folder: its `__main__.py`, or the package it builds."""
    root = Path(request.info.program_directory)
    if (root / "__main__.py").is_file():
        return [str(root)]
    try:
        project = tomllib.loads((root / "pyproject.toml").read_text())["project"]["name"]
    except (OSError, KeyError, TypeError, tomllib.TOMLDecodeError):
        raise NotRunnable(f"{root} holds neither a __main__.py nor a pyproject.toml with a project name") from None
    return ["-m", "pulumi.run.plugin", project]


def response(stream: str, data: bytes) -> Any:
    return language.RunPluginResponse(stdout=data) if stream == "stdout" else language.RunPluginResponse(stderr=data)


def spoken(process: Process) -> Iterator[Said]:
    """Yield what a process writes, with the name of the stream, until both streams end."""
    heard: queue.SimpleQueue[Said] = queue.SimpleQueue()
    streams = {"stdout": process.stdout, "stderr": process.stderr}
    for name, stream in streams.items():
        threading.Thread(target=_listen, args=(name, stream, heard), daemon=True).start()
    open_streams = len(streams)
    while open_streams:
        name, data = heard.get()
        if data:
            yield name, data
        else:
            open_streams -= 1


def _listen(name: str, stream: IO[bytes], heard: queue.SimpleQueue[Said]) -> None:
    while data := os.read(stream.fileno(), CHUNK):
        heard.put((name, data))
    heard.put((name, b""))
