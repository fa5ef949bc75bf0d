"""A process that makes one transfer, and kills itself, or stops, when the transfer gets to a step."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

from app.database import Databases
from app.topology import read_directory
from app.transfers import Step, Transfers
from tests.app.transfers.conftest import legs


async def transfer(directory_path: str, source: str, target: str, amount: str, key: str, fatal: str) -> None:
    directory = read_directory(Path(directory_path))
    waiting, settling = [Databases(directory.shards, home="aws", size=1, seconds=3) for _ in range(2)]
    await waiting.open()
    await settling.open()

    stopped: list[Step] = []

    async def observe(step: Step) -> None:
        if step == fatal:
            os.kill(os.getpid(), signal.SIGKILL)
        if fatal == f"stop at {step}" and not stopped:
            stopped.append(step)
            os.kill(os.getpid(), signal.SIGSTOP)

    async def refresh() -> None:
        raise AssertionError("no slot has moved")

    transfers = Transfers(waiting.by_shard, settling.by_shard, directory.place_of, refresh, observe=observe)
    await transfers.transfer(*legs(source, target, int(amount)), key=key)
    print("acknowledged", flush=True)
    await waiting.close()
    await settling.close()


if __name__ == "__main__":
    asyncio.run(transfer(*sys.argv[1:]))
