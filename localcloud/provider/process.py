"""The provider process: listens, tells the engine its port, and leaves without a word when told to."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc

from localcloud.provider.proto import provider_pb2_grpc
from localcloud.provider.servicer import ProviderEmulator
from localcloud.sandbox import Sandbox

PACKAGES = ("aws", "azure-native", "gcp", "kubernetes")
MOST_CALLS_AT_ONCE = 64
"""Threads start as calls come; more resources at once than this wait for one another."""

PARENT_CHECK_SECONDS = 2.0
SECONDS_FOR_CALLS_TO_END = 1.0
UNLIMITED_MESSAGES = (("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1))


def main(arguments: Sequence[str]) -> int:
    """Serve the package named first until the engine is done with it; the engine's address comes last."""
    if not arguments or arguments[0] not in PACKAGES:
        sys.stderr.write(f"usage: python -m localcloud.provider {{{'|'.join(PACKAGES)}}} [engine address]\n")
        return 2
    over = threading.Event()
    _hand_on_no_ignored_signal()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda _number, _frame: over.set())
    server, port = listen(ProviderEmulator(arguments[0], Sandbox.open(), arguments[-1] if len(arguments) > 1 else ""))
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    wait(over)
    server.stop(SECONDS_FOR_CALLS_TO_END).wait()
    # A call that is still running would hold the interpreter back; whatever it did so far is found by the next run.
    os._exit(0)


def _hand_on_no_ignored_signal() -> None:
    """Replace "ignore", which children would inherit, by a handler that does nothing, which they do not.

    A run under `nohup` ignores SIGHUP.
    """
    for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, lambda _number, _frame: None)


def listen(emulator: ProviderEmulator) -> tuple[Any, int]:
    """A running gRPC server, and the port that the system gave it."""
    server = grpc.server(ThreadPoolExecutor(MOST_CALLS_AT_ONCE), options=UNLIMITED_MESSAGES)
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(emulator, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    return server, port


def wait(over: threading.Event) -> None:
    """Until `over` is set or the engine has died: nobody else would ever end this process."""
    engine = os.getppid()
    while not over.wait(PARENT_CHECK_SECONDS):
        if os.getppid() != engine:
            return
