"""The rate limit per caller."""

from __future__ import annotations

import time

import pytest

from app.api.rates import Rates, TooManyRequests


async def test_a_caller_has_so_many_requests_and_no_more() -> None:
    rates = Rates("3/hour")
    for _ in range(3):
        await rates.count("alice")
    with pytest.raises(TooManyRequests) as caught:
        await rates.count("alice")
    headers = caught.value.headers
    assert (headers["RateLimit-Limit"], headers["RateLimit-Remaining"]) == ("3", "0")
    assert 0 < int(headers["Retry-After"]) <= 3600
    assert headers["RateLimit-Reset"] == headers["Retry-After"]


async def test_one_caller_does_not_use_up_what_another_has() -> None:
    rates = Rates("1/hour")
    await rates.count("alice")
    await rates.count("bob")


async def test_retry_after_is_never_zero() -> None:
    rates = Rates("1/hour", now=lambda: time.time() + 7200)
    await rates.count("alice")
    with pytest.raises(TooManyRequests) as caught:
        await rates.count("alice")
    assert caught.value.headers["Retry-After"] == "1"
