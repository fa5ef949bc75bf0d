"""Branches that were left prepared are settled as decided, and only by the role of the app."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable, Iterator

import psycopg
import pytest
from prometheus_client import CollectorRegistry

from app.database import DatabaseUnavailable
from app.transfers import Forgetting, Resolver, Step, TransferMetrics
from app.transfers.model import Decision, Gid, Prepared
from tests.app.transfers.conftest import GRANTED, Bank, legs, pair
from tests.waiting import wait_until

servers = pytest.mark.servers
sides = pytest.mark.parametrize("prepared", ["source", "target"])

ATTEMPT = uuid.UUID(int=7)


class Crash(Exception):
    """Stands for the end of a coordinator."""


async def left_prepared(bank: Bank, prepared: str, at: Step) -> tuple[str, str]:
    """Source and target of a transfer whose coordinator ended at a step; the prepared branch is on aws-0."""
    shards = ("aws-0", "azure-0") if prepared == "source" else ("azure-0", "aws-0")
    source, target = pair(*shards, prepared=prepared)
    await bank.grant(source)

    async def crash() -> None:
        raise Crash

    bank.faults[at] = crash
    with pytest.raises(Crash):
        await bank.transfers.transfer(*legs(source, target, 250), key="k")
    return source, target


def metric(metrics: TransferMetrics, name: str, **labels: str) -> float | None:
    registry = CollectorRegistry()
    registry.register(metrics)
    return registry.get_sample_value(name, labels)


@servers
@sides
@pytest.mark.parametrize(("at", "decision"), [(Step.PREPARED, "abort"), (Step.DECIDED, "commit")])
async def test_what_was_decided_is_done(bank: Bank, prepared: str, at: Step, decision: str) -> None:
    source, target = await left_prepared(bank, prepared, at)
    assert len(bank.servers.prepared()) == 1
    await bank.settled()
    assert bank.decisions() == [decision]
    moved = 250 if decision == "commit" else 0
    assert (bank.total(source), bank.total(target)) == (GRANTED - moved, moved)
    assert metric(bank.metrics, "fortress_transfers_resolved_total", shard="aws-0", decision=decision) == 1


@servers
@pytest.mark.parametrize("at", [Step.PREPARED, Step.DECIDED])
async def test_without_the_deciding_shard_it_stays_in_doubt(bank: Bank, at: Step) -> None:
    source, target = await left_prepared(bank, "source", at)
    bank.servers.of("azure-0").kill()
    resolver = Resolver(
        bank.transfers.participants["aws-0"], bank.transfers.participants, bank.metrics, patience_seconds=0
    )
    await resolver.look()
    assert len(bank.servers.ask("aws-0", "select gid from pg_prepared_xacts")) == 1
    assert metric(bank.metrics, "fortress_transfers_unresolved_total", shard="aws-0", decider="azure-0") == 1
    assert metric(bank.metrics, "fortress_prepared_transactions", shard="aws-0") == 1
    await asyncio.to_thread(bank.servers.revive)
    await bank.settled()
    assert bank.total(source, target) == GRANTED


@servers
async def test_a_resolver_waits_for_a_decision_that_is_being_made(bank: Bank) -> None:
    decider = bank.transfers.participants["azure-0"]
    with bank.servers.of("azure-0").connect(bank.servers.databases["azure"], "ledger") as coordinator:
        coordinator.execute("begin")
        coordinator.execute("select commit_transfer(%s, 'aws-0')", [ATTEMPT])
        resolver = asyncio.create_task(decider.abort(ATTEMPT, "aws-0"))
        waits = "select pid from pg_stat_activity where wait_event_type = 'Lock' and query ~ 'abort_transfer'"
        await asyncio.to_thread(wait_until, lambda: bank.servers.ask("azure-0", waits), "the resolver's wait")
        coordinator.execute("commit")
    assert await resolver == Decision.COMMIT


@servers
async def test_what_was_aborted_is_never_committed(bank: Bank) -> None:
    assert await bank.transfers.participants["azure-0"].abort(ATTEMPT, "aws-0") == Decision.ABORT
    with (
        bank.servers.of("azure-0").connect(bank.servers.databases["azure"], "ledger") as coordinator,
        pytest.raises(psycopg.errors.UniqueViolation),
    ):
        coordinator.execute("select commit_transfer(%s, 'aws-0')", [ATTEMPT])


@servers
async def test_the_app_writes_decisions_by_their_functions_only(bank: Bank) -> None:
    for statement in (
        "insert into transfer_decisions values (gen_random_uuid(), 'commit', 'x')",
        "update transfer_decisions set decision = 'commit'",
        "delete from transfer_decisions",
    ):
        with (
            bank.servers.of("aws-0").connect(bank.servers.databases["aws"], "ledger") as connection,
            pytest.raises(psycopg.errors.InsufficientPrivilege),
        ):
            connection.execute(statement)


@servers
async def test_any_number_of_resolvers_may_watch_a_shard(bank: Bank) -> None:
    source, target = await left_prepared(bank, "source", Step.DECIDED)
    participants = bank.transfers.participants
    several = [Resolver(participants["aws-0"], participants, bank.metrics, patience_seconds=0) for _ in range(4)]
    await asyncio.gather(*(resolver.look() for resolver in several))
    await bank.settled()
    assert (bank.total(source), bank.total(target)) == (GRANTED - 250, 250)


@servers
async def test_prepared_transactions_of_others_are_reported_and_left_alone(bank: Bank) -> None:
    with bank.servers.of("aws-0").as_operator(bank.servers.databases["aws"]) as other:
        other.execute("begin")
        other.execute("select pg_current_xact_id()")
        other.execute("prepare transaction 'somebody else'")
    participants = bank.transfers.participants
    await Resolver(participants["aws-0"], participants, bank.metrics, patience_seconds=0).look()
    assert bank.servers.prepared() == ["somebody else"]
    assert metric(bank.metrics, "fortress_prepared_transactions", shard="aws-0") == 1


@servers
async def test_decisions_are_forgotten_once_nobody_can_ask_for_them(bank: Bank) -> None:
    participants = bank.transfers.participants
    await left_prepared(bank, "source", Step.DECIDED)
    forgetting = Forgetting(participants["azure-0"], participants, kept_seconds=0)
    assert await forgetting.forget() == 0  # the branch on aws-0 is still prepared
    await bank.settled()
    await participants["azure-0"].abort(ATTEMPT, "aws-0")
    assert await Forgetting(participants["azure-0"], participants).forget() == 0  # too young
    assert await forgetting.forget() == 1
    assert bank.decisions() == ["abort"]


@servers
async def test_decisions_are_kept_while_their_other_shard_does_not_answer(bank: Bank) -> None:
    participants = bank.transfers.participants
    await left_prepared(bank, "source", Step.DECIDED)
    bank.servers.of("aws-0").kill()
    assert await Forgetting(participants["azure-0"], participants, kept_seconds=0).forget() == 0
    assert bank.servers.ask("azure-0", "select decision from transfer_decisions") == [("commit",)]


class FakeParticipant:
    """A shard whose prepared transactions and decisions are what a test says."""

    name = "aws-0"

    def __init__(self, *prepared: Prepared) -> None:
        self.listed = list(prepared)
        self.settled: list[tuple[str, Decision]] = []

    async def list_prepared(self, *, seconds: float | None = None) -> list[Prepared]:
        return self.listed

    async def abort(self, _attempt: uuid.UUID, _participant: str, *, seconds: float | None = None) -> Decision:
        return Decision.ABORT

    async def settle(self, gid: Gid, decision: Decision) -> None:
        self.settled.append((str(gid), decision))


GID = str(Gid("azure-0", ATTEMPT))


@pytest.mark.parametrize("age", [-3600.0, 0.0, 1e9], ids=["set back", "right", "set forward"])
async def test_a_servers_clock_does_not_decide_when_to_settle(age: float) -> None:
    shard = FakeParticipant(Prepared(GID, True, age))
    clock: Iterator[float] = iter([100.0, 101.9, 102.0])
    monotonic: Callable[[], float] = lambda: next(clock)  # noqa: E731
    resolver = Resolver(shard, {"azure-0": shard}, TransferMetrics(), monotonic=monotonic)  # type: ignore[arg-type,dict-item]
    await resolver.look()
    await resolver.look()
    assert shard.settled == []
    await resolver.look()
    assert shard.settled == [(GID, Decision.ABORT)]


async def test_a_branch_with_an_unknown_decider_stays_and_is_counted() -> None:
    shard = FakeParticipant(Prepared(GID, True, 5.0))
    metrics = TransferMetrics()
    await Resolver(shard, {}, metrics, patience_seconds=0).look()  # type: ignore[arg-type]
    assert shard.settled == []
    assert metric(metrics, "fortress_transfers_unresolved_total", shard="aws-0", decider="azure-0") == 1


@pytest.mark.slow
async def test_a_shard_that_does_not_answer_does_not_end_the_resolver() -> None:
    looks = asyncio.Event()

    class Silent(FakeParticipant):
        async def list_prepared(self, *, seconds: float | None = None) -> list[Prepared]:
            if not self.settled:
                self.settled.append(("", Decision.ABORT))
                raise DatabaseUnavailable("aws-0", "no answer in time")
            looks.set()
            return []

    resolver = Resolver(Silent(), {}, TransferMetrics(), look_seconds=0)  # type: ignore[arg-type]
    running = asyncio.create_task(resolver.worker.run())  # type: ignore[arg-type]
    await asyncio.wait_for(looks.wait(), 10)
    running.cancel()


def test_a_prepared_transaction_older_than_a_second_is_overdue() -> None:
    metrics = TransferMetrics()
    metrics.saw("aws-0", [Prepared("a", True, 0.9), Prepared("b", False, 1.1), Prepared("c", True, -5.0)])
    assert metric(metrics, "fortress_prepared_transactions", shard="aws-0") == 3
    assert metric(metrics, "fortress_prepared_transactions_overdue", shard="aws-0") == 1
    assert metric(metrics, "fortress_prepared_transaction_seconds", shard="aws-0") == 1.1
    metrics.saw("aws-0", [])
    assert metric(metrics, "fortress_prepared_transactions_overdue", shard="aws-0") == 0


@pytest.mark.parametrize("decider", ["aws-0", "a:b", "ä"])
def test_the_name_of_a_prepared_transaction_tells_who_decides(decider: str) -> None:
    gid = Gid(decider, ATTEMPT)
    assert Gid.parse(str(gid)) == gid


@pytest.mark.parametrize("text", ["", "fortress:a", "other:a:" + ATTEMPT.hex, GID + "0", "fortress::" + ATTEMPT.hex])
def test_what_is_no_transfer_is_nobodys(text: str) -> None:
    assert Gid.parse(text) is None


def test_a_name_that_postgresql_would_refuse_is_refused_at_once() -> None:
    with pytest.raises(ValueError, match="too long"):
        str(Gid("x" * 160, ATTEMPT))
