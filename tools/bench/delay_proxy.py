"""A TCP proxy that delays what passes: a network as long as one likes, on one machine.

As a process of its own (`delayed`) it takes no time from what is measured; inside a test's loop (`DelayProxy`) it can
also cause faults.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import subprocess
import sys
from collections import deque
from collections.abc import Iterator
from typing import Self, cast

import uvloop


class DelayProxy:
    """Listens on a free port of 127.0.0.1 for as long as it is entered, and passes everything on."""

    def __init__(self, host: str, port: int, *, seconds: float = 0.0) -> None:
        """`seconds` is the delay of each direction: a round trip takes twice as long."""
        self.host = host
        self.target_port = port
        self.seconds = seconds
        self.port = 0
        self.links: set[_Link] = set()
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Link(self).client, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._server is not None:
            self._server.close()
        self.cut()

    def cut(self) -> None:
        """Cut every connection, with what is still on its way."""
        for link in list(self.links):
            link.cut()

    def passes(self, *, to_server: bool) -> bool:  # noqa: ARG002  for subclasses
        """Return True if the data just received may pass; False cuts the connection."""
        return True


class _Link:
    """A client's connection and the one that was made for it."""

    def __init__(self, proxy: DelayProxy) -> None:
        self.proxy = proxy
        self.client = _End(self, to_server=True)
        self.server = _End(self, to_server=False)
        proxy.links.add(self)
        self._connecting = asyncio.ensure_future(self._connect())

    async def _connect(self) -> None:
        try:
            await asyncio.get_running_loop().create_connection(
                lambda: self.server, self.proxy.host, self.proxy.target_port
            )
        except OSError:
            self.cut()

    def other(self, end: _End) -> _End:
        return self.server if end is self.client else self.client

    def cut(self) -> None:
        self._connecting.cancel()
        for end in (self.client, self.server):
            end.cut()
        self.proxy.links.discard(self)


class _End(asyncio.Protocol):
    """One of the two connections; holds back what is to be written to it."""

    def __init__(self, link: _Link, *, to_server: bool) -> None:
        self._link = link
        self._to_server = to_server
        self._transport: asyncio.Transport | None = None
        # Due times and data; None is the end of the stream. One queue keeps the order where a timer would not.
        self._held: deque[tuple[float, bytes | None]] = deque()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._flush()

    def data_received(self, data: bytes) -> None:
        if self._link.proxy.passes(to_server=self._to_server):
            self._link.other(self).hold(data)
        else:
            self._link.cut()

    def connection_lost(self, _: Exception | None) -> None:
        self._link.other(self).hold(None)

    def hold(self, data: bytes | None) -> None:
        """Write it when its time has come."""
        loop = asyncio.get_running_loop()
        self._held.append((loop.time() + self._link.proxy.seconds, data))
        if self._link.proxy.seconds:
            loop.call_later(self._link.proxy.seconds, self._flush)
        else:
            self._flush()

    def cut(self) -> None:
        self._held.clear()
        if self._transport is not None:
            self._transport.abort()

    def _flush(self) -> None:
        if self._transport is None or self._transport.is_closing():
            return
        now = asyncio.get_running_loop().time()
        while self._held and self._held[0][0] <= now + 0.0005:
            _, data = self._held.popleft()
            if data is None:
                self._link.cut()
                return
            self._transport.write(data)


@contextlib.contextmanager
def delayed(host: str, port: int, *, seconds: float) -> Iterator[int]:
    """Start a proxy process to a server; yield its port. `seconds` is the delay of each direction."""
    command = [sys.executable, "-m", "tools.bench.delay_proxy", host, str(port), str(seconds)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield int(process.stdout.readline())
    finally:
        process.terminate()
        process.wait()


async def _serve(host: str, port: int, seconds: float) -> None:
    async with DelayProxy(host, port, seconds=seconds) as proxy:
        print(proxy.port, flush=True)
        await asyncio.Event().wait()


def main() -> None:
    """Print the port to connect to, and pass on until the process is ended."""
    parser = argparse.ArgumentParser(prog="python -m tools.bench.delay_proxy", description=main.__doc__)
    parser.add_argument("host")
    parser.add_argument("port", type=int)
    parser.add_argument("seconds", type=float, help="delay of each direction")
    chosen = parser.parse_args()
    uvloop.run(_serve(chosen.host, chosen.port, chosen.seconds))


if __name__ == "__main__":
    main()
