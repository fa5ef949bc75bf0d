"""Random transfers, some of them disturbed, against a model in memory."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from functools import partial
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from app.database import DatabaseUnavailable
from app.events import BelowFloor, KeyReused
from app.transfers import Step, TransferContended, Transferred
from tests.app.transfers.conftest import Bank, Servers, legs, open_bank, stream_on

pytestmark = pytest.mark.servers

ACCOUNTS = [stream_on(shard, prefix=f"{shard}-{number}") for shard in ("aws-0", "azure-0") for number in range(2)]
accounts = st.sampled_from(ACCOUNTS)
amounts = st.integers(1, 60)
pairs = st.permutations(ACCOUNTS).map(lambda shuffled: (shuffled[0], shuffled[1]))


class Crash(Exception):
    """Stands for the end of a coordinator."""


async def crash() -> None:
    raise Crash


faults = st.one_of(
    st.none(),
    st.tuples(st.just("crash"), st.sampled_from(list(Step)), st.none()),
    st.tuples(
        st.sampled_from(["request", "answer"]), st.sampled_from(list(Step)), st.sampled_from(["aws-0", "azure-0"])
    ),
)


class Transferring(RuleBasedStateMachine):
    """What the model holds are the balances, and what every key stands for."""

    servers: Servers

    def __init__(self) -> None:
        super().__init__()
        self.servers.forget()
        self.runner = asyncio.Runner()
        self.stack = AsyncExitStack()
        self.bank: Bank = self.run(self.stack.enter_async_context(open_bank(self.servers)))
        self.balances: Counter[str] = Counter()
        self.made: dict[str, tuple[tuple[str, str], int, Transferred]] = {}
        self.keys = 0

    def run(self, awaitable: Awaitable[Any]) -> Any:
        async def wait() -> Any:
            return await awaitable

        return self.runner.run(wait())

    def teardown(self) -> None:
        self.run(self.stack.aclose())
        self.runner.close()

    @rule(account=accounts, amount=amounts)
    def grant(self, account: str, amount: int) -> None:
        self.run(self.bank.grant(account, amount=amount))
        self.balances[account] += amount

    @rule(pair=pairs, amount=amounts, fault=faults)
    def transfer(self, pair: tuple[str, str], amount: int, fault: tuple[str, Step, str] | None) -> None:
        key = f"k{self.keys}"
        self.keys += 1
        covered = self.balances[pair[0]] >= amount
        outcome = self.run(self._disturbed(partial(self._ask, pair, amount, key), fault))
        if isinstance(outcome, BelowFloor):
            assert not covered
            return
        assert covered
        self.balances.subtract({pair[0]: amount, pair[1]: -amount})
        assert (outcome.source.total, outcome.target.total) == (self.balances[pair[0]], self.balances[pair[1]])
        self.made[key] = (pair, amount, outcome)

    @precondition(lambda self: self.made)
    @rule(data=st.data())
    def repeat(self, data: st.DataObject) -> None:
        key = data.draw(st.sampled_from(sorted(self.made)))
        pair, amount, first = self.made[key]
        again = self.run(self._ask(pair, amount, key))
        assert (again.repeated, again.source[:2], again.target[:2]) == (True, first.source[:2], first.target[:2])

    @precondition(lambda self: self.made)
    @rule(data=st.data())
    def reuse(self, data: st.DataObject) -> None:
        key = data.draw(st.sampled_from(sorted(self.made)))
        pair, amount, _ = self.made[key]
        with pytest.raises(KeyReused):
            self.run(self._ask(pair, amount + 1, key))

    async def _ask(self, pair: tuple[str, str], amount: int, key: str) -> Transferred:
        return await self.bank.transfers.transfer(*legs(*pair, amount), key=key)

    async def _disturbed(
        self, ask: Callable[[], Awaitable[Transferred]], fault: tuple[str, Step, str] | None
    ) -> Transferred | BelowFloor:
        """The outcome of a transfer that is disturbed; where it is not known, of asking again once all is settled."""
        self._prepare(fault)
        try:
            return await ask()
        except BelowFloor as refused:
            return refused
        except (Crash, DatabaseUnavailable, TransferContended):
            await self.bank.settled()
        finally:
            self._prepare(None)
        try:
            return await ask()
        except BelowFloor as refused:
            return refused

    def _prepare(self, fault: tuple[str, Step, str] | None) -> None:
        self.bank.faults.clear()
        for proxy in self.bank.proxies.values():
            proxy.cut_at = None
        if fault is not None:
            what, step, where = fault
            cut = partial(setattr, self.bank.proxies.get(where), "cut_at", what)
            self.bank.faults[step] = crash if what == "crash" else cut

    @invariant()
    def every_balance_is_what_it_should_be(self) -> None:
        for account in ACCOUNTS:
            assert self.bank.total(account) == self.balances[account]
            changes = [change for _, change, _ in self.bank.history(account)]
            assert sum(changes) == self.balances[account]

    @invariant()
    def nothing_is_left_prepared(self) -> None:
        self.run(self.bank.settled())
        assert not self.servers.prepared()


def test_whatever_happens_each_transfer_counts_once(servers: Servers) -> None:
    machine = type("TransferringHere", (Transferring,), {"servers": servers})
    limits = settings(
        max_examples=12,
        stateful_step_count=20,
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(machine, settings=limits)
