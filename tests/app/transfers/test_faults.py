"""Nothing lost, nothing doubled: processes are killed and connections cut at every step of a transfer."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from app.database import DatabaseUnavailable
from app.transfers import Step, TransferContended, Transferred
from tests.app.transfers.conftest import (
    ANSWER_SECONDS,
    GRANTED,
    START_SECONDS,
    UP_SECONDS,
    Bank,
    Servers,
    legs,
    open_bank,
    pair,
)
from tests.combinations import covering
from tests.waiting import wait_until

pytestmark = pytest.mark.servers

AMOUNT = 250
CHECKOUT = Path(__file__).parents[3]
DECIDED = {Step.DECIDED, Step.SETTLING, Step.SETTLED}
SIDES = ("source", "target")
sides = pytest.mark.parametrize("prepared", SIDES)


@pytest.fixture
async def bank(servers: Servers) -> AsyncIterator[Bank]:
    """A bank whose servers stay up."""
    async with open_bank(servers, seconds=UP_SECONDS) as opened:
        yield opened


async def settled_once(bank: Bank, source: str, target: str, *, key: str = "k") -> bool:
    """Return whether the transfer was made, once everything is settled; a retry makes it exactly once."""
    await bank.settled()
    made = bank.count(source, "TransferredOut")
    assert made in (0, 1)
    assert bank.count(target, "TransferredIn") == made
    assert bank.total(source) == GRANTED - made * AMOUNT
    assert bank.total(source, target) == GRANTED
    again = await answered(bank, source, target, key)
    assert again.repeated == bool(made)
    assert (again.source[:2], again.target[:2]) == ((2, GRANTED - AMOUNT), (1, AMOUNT))
    assert bank.total(source, target) == GRANTED
    assert not bank.servers.prepared()
    return bool(made)


async def answered(bank: Bank, source: str, target: str, key: str, amount: int = AMOUNT) -> Transferred:
    """Return the result of a transfer, retried until the pools have found their servers again."""
    async with asyncio.timeout(START_SECONDS):
        while True:
            with contextlib.suppress(DatabaseUnavailable, TransferContended):
                return await bank.transfers.transfer(*legs(source, target, amount), key=key)
            # An attempt with a lost connection may have left its branch prepared, which the next one would wait for.
            await bank.settled()


async def connect_pools(bank: Bank) -> None:
    """Let every pool open a connection and prepare its statements, so that the fault hits only the transfer."""
    for number, (source_shard, target_shard) in enumerate([("aws-0", "azure-0"), ("azure-0", "aws-0"), ("aws-0",) * 2]):
        source, target = pair(source_shard, target_shard, prepared="source", prefix=f"warm-{number}")
        await bank.grant(source)
        await answered(bank, source, target, "warm", amount=1)


@pytest.mark.parametrize(("prepared", "step"), covering(SIDES, list(Step), together=1))
async def test_a_coordinator_is_killed(bank: Bank, tmp_path: Path, prepared: str, step: Step) -> None:
    source, target = pair("aws-0", "azure-0", prepared=prepared)
    await bank.grant(source)
    (tmp_path / "directory.json").write_text(bank.servers.directory())
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.app.transfers.coordinator"),
        *(str(tmp_path / "directory.json"), source, target, str(AMOUNT), "k", step.value),
        cwd=CHECKOUT,
        stdout=asyncio.subprocess.PIPE,
    )
    said, _ = await process.communicate()
    assert (process.returncode, said) == (-signal.SIGKILL, b"")
    assert len(bank.servers.prepared()) == (step in {Step.PREPARED, Step.DECIDING, Step.DECIDED, Step.SETTLING})
    assert await settled_once(bank, source, target) == (step in DECIDED)


@pytest.mark.parametrize(("prepared", "step", "victim"), covering(SIDES, list(Step), ["aws-0", "azure-0"], together=2))
async def test_a_server_is_killed(servers: Servers, prepared: str, step: Step, victim: str) -> None:
    source, target = pair("aws-0", "azure-0", prepared=prepared)
    # Once the other branch is prepared, the transfer can be made without its server.
    spared = victim == ("aws-0" if prepared == "source" else "azure-0") and step in {Step.PREPARED, Step.DECIDING}
    # Then the deciding server has to answer, even on a busy machine: without an answer the transfer is in doubt.
    async with open_bank(servers, seconds=UP_SECONDS if spared else ANSWER_SECONDS) as bank:
        await bank.grant(source)
        await connect_pools(bank)
        bank.faults[step] = servers.of(victim).kill
        try:
            acknowledged = bool(await bank.transfers.transfer(*legs(source, target, AMOUNT), key="k"))
        except (DatabaseUnavailable, TransferContended):
            acknowledged = False
        assert acknowledged == (spared or step in DECIDED)
        await asyncio.to_thread(servers.revive)
        assert await settled_once(bank, source, target) == acknowledged


@pytest.mark.parametrize(
    ("prepared", "step", "cut_at"),
    covering(SIDES, [Step.PREPARING, Step.DECIDING, Step.SETTLING], ["request", "answer"], together=2),
)
async def test_a_connection_is_cut(bank: Bank, prepared: str, step: Step, cut_at: str) -> None:
    source, target = pair("aws-0", "azure-0", prepared=prepared)
    await bank.grant(source)
    await connect_pools(bank)
    proxy = bank.proxies["azure-0" if (step is Step.DECIDING) == (prepared == "source") else "aws-0"]
    bank.faults[step] = lambda: setattr(proxy, "cut_at", cut_at)
    first = await bank.transfers.transfer(*legs(source, target, AMOUNT), key="k")
    assert proxy.cut_at is None
    assert not first.repeated
    assert await settled_once(bank, source, target)


@pytest.mark.parametrize("cut_at", ["request", "answer"])
async def test_a_connection_is_cut_within_one_shard(bank: Bank, cut_at: str) -> None:
    source, target = pair("aws-0", "aws-0", prepared="source")
    await bank.grant(source)
    await connect_pools(bank)
    bank.proxies["aws-0"].cut_at = cut_at
    await bank.transfers.transfer(*legs(source, target, AMOUNT), key="k")
    assert await settled_once(bank, source, target)


@sides
async def test_a_late_coordinator_does_not_contradict_the_resolver(bank: Bank, prepared: str) -> None:
    source, target = pair("aws-0", "azure-0", prepared=prepared)
    await bank.grant(source)
    bank.faults[Step.DECIDING] = bank.settled
    first = await bank.transfers.transfer(*legs(source, target, AMOUNT), key="k")
    assert sorted(bank.decisions()) == ["abort", "commit"]
    assert not first.repeated
    assert await settled_once(bank, source, target)


@sides
async def test_a_coordinator_may_pause_for_any_time(bank: Bank, tmp_path: Path, prepared: str) -> None:
    """Stop it between preparing and deciding until its branch is rolled back, then wake it: no debit may happen."""
    source, target = pair("aws-0", "azure-0", prepared=prepared)
    await bank.grant(source)
    (tmp_path / "directory.json").write_text(bank.servers.directory())
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.app.transfers.coordinator"),
        *(str(tmp_path / "directory.json"), source, target, str(AMOUNT), "k", "stop at deciding"),
        cwd=CHECKOUT,
        stdout=asyncio.subprocess.PIPE,
    )
    await asyncio.to_thread(wait_until, bank.servers.prepared, "the prepared branch")
    await asyncio.to_thread(wait_until, lambda: _is_stopped(process.pid), "the stopped coordinator")
    await bank.settled()
    assert bank.decisions() == ["abort"]
    assert bank.total(source, target) == GRANTED
    process.send_signal(signal.SIGCONT)
    said, _ = await process.communicate()
    assert await settled_once(bank, source, target) or not said


def _is_stopped(pid: int) -> bool:
    return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "T"
