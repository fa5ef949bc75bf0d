"""An HTTP client that costs little, so the server is measured: a closed loop for saturation, an open one for delays.

A closed loop finds what saturates, an open one how long answers take at a given rate. It speaks as much of HTTP/1.1 as
the two servers answer with: a status line, headers with a Content-Length, a body.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import cast

from tools.bench.data_plane.ours import in_loop
from tools.bench.data_plane.worker_pool import Work

Latencies = list[float]
OK = b"HTTP/1.1 200"
LENGTH = b"content-length: "
END = b"\r\n\r\n"
DRAIN_SECONDS = 5.0


class _Connection(asyncio.Protocol):
    """One connection; one request at a time."""

    def __init__(self, done: Callable[[_Connection, float], None]) -> None:
        self._done = done
        self._received = bytearray()
        self._since = 0.0
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def send(self, request: bytes, since: float) -> None:
        """Send a request that was to be sent at `since`."""
        assert self._transport is not None
        self._since = since
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._received += data
        if (length := _length(self._received)) is None or len(self._received) < length:
            return
        if not self._received.startswith(OK):
            raise AssertionError(f"the server answered {bytes(self._received[:300])!r}")
        del self._received[:length]
        self._done(self, self._since)

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()


def _length(received: bytearray) -> int | None:
    """Bytes of the whole answer; None while its headers are not complete."""
    end = received.find(END)
    if end < 0:
        return None
    begin = bytes(received[:end]).lower().find(LENGTH)
    if begin < 0:
        raise AssertionError("the answer has no Content-Length")
    return end + len(END) + int(received[begin + len(LENGTH) : end].split(b"\r\n")[0])


class _Load:
    """So many connections to one server."""

    def __init__(self, requests: Sequence[bytes]) -> None:
        self._requests = requests
        self._chance = random.Random(1)  # noqa: S311  reproducible on purpose
        self._idle: deque[_Connection] = deque()
        self._queue: deque[float] = deque()
        self._latencies: Latencies = []
        self._connections: list[_Connection] = []
        self._again = False

    async def connect(self, host: str, port: int, count: int) -> None:
        loop = asyncio.get_running_loop()
        for _ in range(count):
            _, connection = await loop.create_connection(lambda: _Connection(self._done), host, port)
            self._connections.append(connection)
        self._idle = deque(self._connections)

    def close(self) -> None:
        for connection in self._connections:
            connection.close()

    async def saturate(self, seconds: float) -> tuple[float, Latencies]:
        """Every connection sends again at once: requests per second, and what each took."""
        self._latencies = []
        self._again = True
        started = time.perf_counter()
        while self._idle:
            self._send(self._idle.pop(), time.perf_counter())
        await asyncio.sleep(seconds)
        self._again = False
        done, took = len(self._latencies), time.perf_counter() - started
        await self._drained()
        return done / took, self._latencies

    async def arrivals(self, rate: float, seconds: float) -> tuple[float, Latencies]:
        """Requests come as they do from many people (Poisson), whether earlier ones are answered or not.

        What a request waits for a free connection counts as its latency too.
        """
        self._latencies = []
        started = time.perf_counter()
        due = started
        while (due := due + self._chance.expovariate(rate)) < started + seconds:
            if (early := due - time.perf_counter()) > 0:
                await asyncio.sleep(early)
            if self._idle:
                # the one that was idle longest: a server ends those that nobody uses
                self._send(self._idle.popleft(), due)
            else:
                self._queue.append(due)
        await self._drained()
        return len(self._latencies) / seconds, self._latencies

    def _send(self, connection: _Connection, since: float) -> None:
        connection.send(self._chance.choice(self._requests), since)

    def _done(self, connection: _Connection, since: float) -> None:
        now = time.perf_counter()
        self._latencies.append(now - since)
        if self._queue:
            self._send(connection, self._queue.popleft())
        elif self._again:
            self._send(connection, now)
        else:
            self._idle.append(connection)

    async def _drained(self) -> None:
        async with asyncio.timeout(DRAIN_SECONDS):
            while len(self._idle) < len(self._connections) or self._queue:
                await asyncio.sleep(0.005)


def client(
    host: str, port: int, requests: Sequence[bytes], connections: int, _: int
) -> contextlib.AbstractContextManager[Work[tuple[float, Latencies]]]:
    """Work by (rate, seconds), rate None to saturate; it returns requests per second and their latencies."""
    return in_loop(_client, host, port, requests, connections)


@contextlib.asynccontextmanager
async def _client(
    host: str, port: int, requests: Sequence[bytes], connections: int
) -> AsyncIterator[Callable[[float | None, float], Awaitable[tuple[float, Latencies]]]]:
    load = _Load(requests)
    await load.connect(host, port, connections)

    async def work(rate: float | None, seconds: float) -> tuple[float, Latencies]:
        return await (load.saturate(seconds) if rate is None else load.arrivals(rate, seconds))

    try:
        yield work
    finally:
        load.close()
