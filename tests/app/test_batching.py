"""The laws of a batcher: every request is answered once, in batches, and an error reaches only those it concerns."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.batching import Batcher

Request = tuple[str, int]
"""A key, and a number."""


class Damaged(Exception):
    pass


class Server:
    """Answers a batch when the test lets it."""

    def __init__(self, refused: frozenset[int] = frozenset(), damaged: frozenset[int] = frozenset()) -> None:
        self.refused = refused
        self.damaged = damaged
        self.batches: list[list[Request]] = []
        self.under_way: Counter[str] = Counter()
        self.most = 0
        self._calls = 0
        self._gate = asyncio.Event()

    async def send(self, batch: Sequence[Request]) -> list[int | Exception]:
        self.batches.append(list(batch))
        self.under_way.update(key for key, _ in batch)
        assert max(self.under_way.values()) == 1
        self._calls += 1
        self.most = max(self.most, self._calls)
        try:
            await self._gate.wait()
            if self.damaged.intersection(number for _, number in batch):
                raise Damaged([number for _, number in batch])
            return [LookupError(number) if number in self.refused else -number for _, number in batch]
        finally:
            self._calls -= 1
            self.under_way.subtract(key for key, _ in batch)

    def open(self) -> None:
        self._gate.set()


def batcher(server: Server, largest: int = 3, in_flight: int = 2) -> Batcher[Request, int]:
    return Batcher(server.send, largest=largest, in_flight=in_flight, key=lambda request: request[0], isolate=Damaged)


@given(
    keys=st.lists(st.sampled_from("abcd"), min_size=1, max_size=30),
    marks=st.lists(st.sampled_from(["", "", "", "refused", "damaged", "cancelled"]), min_size=30, max_size=30),
    largest=st.integers(1, 5),
    in_flight=st.integers(1, 3),
)
def test_every_request_gets_its_own_answer(keys: list[str], marks: list[str], largest: int, in_flight: int) -> None:
    marked = {mark: frozenset(n for n in range(len(keys)) if marks[n] == mark) for mark in marks}
    server = Server(marked.get("refused", frozenset()), marked.get("damaged", frozenset()))

    async def run() -> list[int | BaseException]:
        batches = batcher(server, largest, in_flight)
        futures = [batches.submit((key, number)) for number, key in enumerate(keys)]
        for number in marked.get("cancelled", ()):
            if number < len(keys):
                futures[number].cancel()
        server.open()
        return await asyncio.gather(*futures, return_exceptions=True)

    answers = asyncio.run(run())
    for number, answer in enumerate(answers):
        match marks[number]:
            case "refused":
                assert isinstance(answer, LookupError)
                assert answer.args == (number,)
            case "damaged":
                assert isinstance(answer, Damaged)
                assert answer.args == ([number],)
            case "cancelled":
                assert isinstance(answer, asyncio.CancelledError)
            case _:
                assert answer == -number
    sent = [request for batch in server.batches for request in batch]
    assert marked.get("cancelled", frozenset()).isdisjoint(number for _, number in sent)
    assert max(map(len, server.batches), default=0) <= largest
    assert server.most <= in_flight


@given(keys=st.lists(st.sampled_from("abc"), min_size=1, max_size=20))
def test_requests_with_the_same_key_keep_their_order(keys: list[str]) -> None:
    server = Server()

    async def run() -> None:
        batches = batcher(server)
        futures = [batches.submit((key, number)) for number, key in enumerate(keys)]
        server.open()
        await asyncio.gather(*futures)

    asyncio.run(run())
    sent = [request for batch in server.batches for request in batch]
    assert len(sent) == len(keys)
    for key in set(keys):
        numbers = [number for own, number in sent if own == key]
        assert numbers == sorted(numbers)


async def test_requests_that_wait_at_the_same_time_share_a_batch() -> None:
    server = Server()
    server.open()
    batches = batcher(server, largest=10)
    await asyncio.gather(*(batches.submit((f"k{number}", number)) for number in range(10)))
    assert [len(batch) for batch in server.batches] == [10]


async def test_a_request_whose_caller_goes_away_while_it_is_sent_takes_nobody_along() -> None:
    server = Server()
    batches = batcher(server)
    gone, stays = batches.submit(("a", 1)), batches.submit(("b", 2))
    while not server.batches:
        await asyncio.sleep(0)
    gone.cancel()
    server.open()
    assert await stays == -2
    assert await batches.submit(("a", 3)) == -3


async def test_an_error_reaches_all_of_its_batch_and_the_next_one_goes_on() -> None:
    calls = 0

    async def send(batch: Sequence[int]) -> list[int | Exception]:
        nonlocal calls
        calls += 1
        if calls == 1:
            raise ConnectionError("lost")
        return list(batch)

    batches: Batcher[int, int] = Batcher(send, largest=2, in_flight=1)
    outcomes = await asyncio.gather(*map(batches.submit, range(4)), return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [ConnectionError, ConnectionError, int, int]


async def test_answers_that_are_missing_are_an_error_and_leave_nobody_waiting() -> None:
    async def send(batch: Sequence[int]) -> list[int | Exception]:
        return list(batch)[:-1]

    batches: Batcher[int, int] = Batcher(send, largest=3, in_flight=1)
    with pytest.raises(ValueError, match="2 requests got 1 answers"):
        await asyncio.gather(*map(batches.submit, range(2)))
