"""A hundred clients transfer while servers and coordinators are killed: nothing is lost, doubled, or half."""

from __future__ import annotations

import asyncio
import itertools
import random
import signal
import sys
import time
from collections import Counter, defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from tests.app.history import violations

from .clients import operations
from .conftest import Bank, Servers, stream_on

pytestmark = pytest.mark.servers

CHECKOUT = Path(__file__).parents[3]
STREAMS = [stream_on(shard, prefix=f"t{number}") for number in range(30) for shard in ("aws-0", "azure-0")]
GRANTED = 100
PROCESSES = 4
CLIENTS = 25
"""Clients of each process."""


@dataclass
class Crowd:
    """Processes full of clients; each one that is killed is followed by another."""

    directory: Path
    running: list[asyncio.subprocess.Process] = field(default_factory=list)
    logs: list[Path] = field(default_factory=list)

    async def start(self) -> None:
        number = len(self.logs)
        self.logs.append(self.directory.with_name(f"{number}.log"))
        self.logs[-1].touch()
        with self.logs[-1].with_suffix(".out").open("wb") as said:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "tests.app.transfers.clients"),
                *(str(self.directory), str(self.logs[-1]), str(CLIENTS), str(number), *STREAMS),
                cwd=CHECKOUT,
                stdout=said,
                stderr=said,
            )
        self.running.append(process)

    async def kill_one(self) -> None:
        """The one that is there for longest."""
        process = self.running.pop(0)
        process.kill()
        await process.wait()
        await self.start()

    def made(self) -> int:
        return sum(log.read_bytes().count(b',"stored",') for log in self.logs)

    async def make(self, more: int, seconds: float = 60) -> None:
        goal = self.made() + more
        async with asyncio.timeout(seconds):
            while self.made() < goal:
                assert all(process.returncode is None for process in self.running), self.said()
                await asyncio.sleep(0.1)

    async def stop(self) -> None:
        for process in self.running:
            process.send_signal(signal.SIGTERM)
        # One that has only just started is ended by the signal itself.
        wrong = {await process.wait() for process in self.running} - {0, -signal.SIGTERM}
        assert not wrong, self.said()

    def said(self) -> list[str]:
        """The last words of the processes."""
        return [log.with_suffix(".out").read_text()[-3000:] for log in self.logs[-PROCESSES:]]


@asynccontextmanager
async def crowd_of(servers: Servers, folder: Path) -> AsyncIterator[Crowd]:
    (folder / "directory.json").write_text(servers.directory())
    crowd = Crowd(folder / "directory.json")
    try:
        for _ in range(PROCESSES):
            await crowd.start()
        yield crowd
    finally:
        for process in crowd.running:
            if process.returncode is None:
                process.kill()
                await process.wait()


async def kill(crowd: Crowd, servers: Servers, victim: str) -> None:
    if victim == "coordinator":
        await crowd.kill_one()
        return
    server = servers.of(victim)
    await asyncio.to_thread(server.kill)
    await asyncio.to_thread(server.start)


def stored(servers: Servers) -> dict[str, list[str]]:
    """The marks of every stream, after its grant; heads and running totals are those of its events."""
    found: dict[str, list[str]] = defaultdict(list)
    totals: dict[str, int] = {}
    for shard in ("aws-0", "azure-0"):
        rows = servers.ask(
            shard, "select stream, version, data->>'mark', change, total from events order by stream, version"
        )
        for stream, version, mark, change, total in rows:
            found[stream].append(mark or "granted")
            totals[stream] = totals.get(stream, 0) + change
            assert (version, total) == (len(found[stream]), totals[stream])
            assert total >= 0
        heads = servers.ask(shard, "select stream, version, total from streams")
        assert all((len(found[stream]), totals[stream]) == (version, total) for stream, version, total in heads)
    assert sum(totals.values()) == GRANTED * len(STREAMS)
    return found


def check(crowd: Crowd, found: dict[str, list[str]]) -> Counter[str]:
    """Compare what the clients were told with what is stored; count the outcomes of transfers."""
    branches = Counter(mark for marks in found.values() for mark in marks[1:])
    assert set(branches.values()) == {2}, "a transfer lacks a branch, or was made twice"
    answered = [operation for log in crowd.logs for operation in operations(log)]
    assert {operation.mark for operation in answered if operation.kind in ("stored", "later")} <= branches.keys()
    # The grant is version 1 of every stream, and known to nobody's log.
    history = [replace(operation, kind="unknown") if operation.kind == "later" else operation for operation in answered]
    history += [replace(history[0], stream=stream, kind="unknown", started=0, mark="granted") for stream in STREAMS]
    assert violations(history, found) == []
    return Counter(operation.kind for operation in answered)


async def whole(bank: Bank, crowd: Crowd) -> Counter[str]:
    await crowd.stop()
    await bank.settled()
    return check(crowd, stored(bank.servers))


async def test_a_hundred_clients_see_every_transfer_whole_whatever_is_killed(bank: Bank, tmp_path: Path) -> None:
    await bank.grant(*STREAMS, amount=GRANTED)
    async with crowd_of(bank.servers, tmp_path) as crowd:
        for victim in ("coordinator", "aws-0", "azure-0"):
            await crowd.make(100)
            await kill(crowd, bank.servers, victim)
        await crowd.make(100)
        kinds = await whole(bank, crowd)
    assert kinds["stored"] >= 2 * 400


@pytest.mark.full
async def test_a_hundred_clients_for_a_minute(bank: Bank, tmp_path: Path) -> None:
    chance = random.Random(11)
    await bank.grant(*STREAMS, amount=GRANTED)
    killed: Counter[str] = Counter()
    async with crowd_of(bank.servers, tmp_path) as crowd:
        await crowd.make(1)
        end = time.monotonic() + 60
        for victim in itertools.cycle(("coordinator", "aws-0", "coordinator", "azure-0")):
            if time.monotonic() > end:
                break
            await crowd.make(chance.randint(1, 400))
            await kill(crowd, bank.servers, victim)
            killed[victim] += 1
        await crowd.make(100)
        kinds = await whole(bank, crowd)
    print(f"killed {dict(killed)}, outcomes {dict(kinds)}")
    assert min(killed[victim] for victim in ("coordinator", "aws-0", "azure-0")) >= 1
