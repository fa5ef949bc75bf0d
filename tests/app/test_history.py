"""The checker of histories notices what it is there for."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from .history import Operation, violations

SOUND = [
    Operation("s", "stored", 0, 2, 1, "a"),
    Operation("s", "stored", 1, 4, 2, "b"),
    Operation("s", "saw", 3, 5, 1),
    Operation("s", "refused", 5, 6, 0, "r"),
    Operation("s", "unknown", 6, 7, 0, "u"),
    Operation("s", "unknown", 6, 7, 0, "v"),
    Operation("s", "saw", 8, 9, 3),
]
FINAL = {"s": ["a", "b", "u"]}


def test_a_sound_history_has_nothing_against_it() -> None:
    assert violations(SOUND, FINAL) == []


@pytest.mark.parametrize(
    ("final", "words"),
    [
        (["b", "u"], "a was acknowledged at 1, and is at None"),
        (["b", "a", "u"], "a was acknowledged at 1, and is at 2"),
        (["a", "b", "u", "b"], "b is there 2 times"),
        (["a", "b", "u", "x"], "x was never asked for"),
        (["a", "b", "u", "r"], "r was refused, and is at 4"),
        (["a", "b"], "version 3 was seen, and there are 2"),
    ],
)
def test_a_wrong_end_is_noticed(final: list[str], words: str) -> None:
    assert any(words in line for line in violations(SOUND, {"s": final}))


@pytest.mark.parametrize(
    ("index", "change", "words"),
    [
        (2, {"started": 4.5}, "began after version 2 was known"),
        (6, {"version": 1}, "began after version 2 was known"),
        (6, {"started": 3, "ended": 5, "version": 3}, "u was seen before it was asked for"),
    ],
)
def test_a_view_that_comes_at_the_wrong_time_is_noticed(index: int, change: dict[str, float], words: str) -> None:
    history = [*SOUND]
    history[index] = replace(history[index], **change)  # type: ignore[arg-type]
    assert any(words in line for line in violations(history, FINAL))


@given(seed=st.integers(0, 2**32), count=st.integers(2, 40))
def test_what_one_server_did_is_always_explained_and_a_lost_event_never(seed: int, count: int) -> None:
    chance = random.Random(seed)
    version, now, history, marks = 0, 0.0, [], []
    for number in range(count):
        now += chance.random()
        reach = chance.random() * 3  # calls overlap; each takes effect at `now`
        if chance.random() < 0.5:
            version += 1
            marks.append(f"m{number}")
            history.append(Operation("s", "stored", now - reach, now + reach, version, f"m{number}"))
        else:
            history.append(Operation("s", "saw", now - reach, now + reach, version))
    assert violations(history, {"s": marks}) == []
    if marks:
        del marks[chance.randrange(len(marks))]
        assert violations(history, {"s": marks})
