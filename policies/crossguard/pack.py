"""A policy pack as a program: which checks, under which name, served to the engine until it goes."""

from __future__ import annotations

import datetime
import gc
import os
import signal
import sys
from concurrent import futures
from dataclasses import dataclass
from pathlib import Path

import grpc
from pulumi.runtime.proto import analyzer_pb2_grpc

from policies.crossguard.analyzer import Analyzer
from policies.crossguard.description import Card
from policies.registry import Registry, everything

_UNLIMITED = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]


@dataclass(frozen=True)
class Pack:
    """A selection of the one registry."""

    name: str
    title: str
    framework: str | None = None
    """The framework whose controls it holds, or all controls."""
    exemptions: str = ""
    """The exemptions file where the configuration names none, relative to the pack's folder."""

    @property
    def card(self) -> Card:
        return Card(self.name, self.title, self.framework, self.exemptions)

    def registry(self) -> Registry:
        return everything().select(framework=self.framework)


def run(pack: Pack, program: str) -> None:
    """Serve the pack until the engine ends this process; `program` is the file in whose folder it lies."""
    folder = Path(program).resolve().parent
    gc.freeze()  # what is loaded by now stays until the end
    analyzer = Analyzer(pack.card, pack.registry(), folder, datetime.date.today())
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=4), options=_UNLIMITED)
    analyzer_pb2_grpc.add_AnalyzerServicer_to_server(analyzer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: os._exit(0))  # at once and without a word: the engine waits for it
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    server.wait_for_termination()
