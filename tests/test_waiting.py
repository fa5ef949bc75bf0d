"""The helper that awaits a condition."""

from __future__ import annotations

import asyncio

import pytest

from tests.waiting import until, wait_until


def test_the_value_that_ended_the_wait_is_returned() -> None:
    values = iter([0, None, 7])
    assert wait_until(lambda: next(values), "seven", poll_seconds=0) == 7


def test_a_failed_wait_names_the_condition_and_its_last_state() -> None:
    with pytest.raises(AssertionError, match=r"waited 0 s for a good day; the last state was \[\]"):
        wait_until(list, "a good day", seconds=0)


def test_an_ignored_error_is_the_last_state() -> None:
    def refuse() -> bool:
        raise ConnectionRefusedError("no")

    with pytest.raises(AssertionError, match="the last state was ConnectionRefusedError"):
        wait_until(refuse, "an answer", seconds=0, ignore=(OSError,))
    with pytest.raises(ConnectionRefusedError):
        wait_until(refuse, "an answer", seconds=0)


async def test_other_tasks_run_while_a_task_waits() -> None:
    arrived: list[int] = []

    async def arrive() -> None:
        arrived.append(1)

    task = asyncio.create_task(arrive())
    assert await until(lambda: arrived, "the arrival") == [1]
    await task


async def test_a_condition_may_be_a_coroutine_function() -> None:
    values = iter([0, 3])

    async def value() -> int:
        return next(values)

    assert await until(value, "three", poll_seconds=0) == 3


async def test_a_condition_that_hangs_ends_with_the_wait() -> None:
    async def hang() -> bool:
        await asyncio.Event().wait()
        return True

    with pytest.raises(AssertionError, match=r"waited 0\.01 s for the end; .* has not returned"):
        await until(hang, "the end", seconds=0.01)


async def test_a_failed_async_wait_names_its_last_state_and_ignores_what_it_should() -> None:
    def refuse() -> bool:
        raise ConnectionRefusedError("no")

    with pytest.raises(AssertionError, match="for an answer; the last state was ConnectionRefusedError"):
        await until(refuse, "an answer", seconds=0.01, ignore=(OSError,))


async def test_a_timeout_of_the_condition_itself_is_its_own() -> None:
    def give_up() -> bool:
        raise TimeoutError("mine")

    with pytest.raises(TimeoutError, match="mine"):
        await until(give_up, "an answer")
