"""The same seed makes the same rows, whoever makes them and in whichever order."""

from __future__ import annotations

import random

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.synthetic import DataSet, Field, Schema
from app.synthetic.chunks import Chunk, split
from app.synthetic.errors import ImpossibleParameters
from app.synthetic.kinds.values import Uuid
from app.synthetic.numbers import Integers, Normal

SCHEMA = Schema(
    "people",
    (
        Field("id", Uuid()),
        Field("age", Normal(mean=40)),
        Field("code", Integers(low=1, high=9)),
        Field("number", Integers(low=1, high=10**9, unique=True)),
    ),
)


@pytest.mark.parametrize("workers", [2, 3, 8])
def test_any_number_of_workers_makes_the_same_rows(workers: int) -> None:
    alone = DataSet(SCHEMA, 10_500, seed=7, workers=1, chunk_rows=1000).table()
    assert DataSet(SCHEMA, 10_500, seed=7, workers=workers, chunk_rows=1000).table().equals(alone)


def test_any_order_of_chunks_makes_the_same_rows() -> None:
    chunks = list(split(5000, seed=7, chunk_rows=512))
    expected = {chunk.index: SCHEMA.make(chunk) for chunk in chunks}
    assert len(expected) == 10
    random.Random(1).shuffle(chunks)
    for chunk in chunks:
        assert SCHEMA.make(chunk).equals(expected[chunk.index])


def test_another_seed_makes_other_rows() -> None:
    one, other = (DataSet(SCHEMA, 100, seed=seed).table() for seed in (7, 8))
    assert one.num_columns > 1
    for name in one.column_names:
        assert not one[name].equals(other[name])


def test_a_column_does_not_change_with_its_neighbours() -> None:
    alone = Schema("people", (Field("age", Normal(mean=40)),))
    reordered = Schema("people", tuple(reversed(SCHEMA.fields)))
    expected = DataSet(SCHEMA, 3000, seed=7).table()["age"]
    assert DataSet(alone, 3000, seed=7).table()["age"].equals(expected)
    assert DataSet(reordered, 3000, seed=7).table()["age"].equals(expected)


def test_columns_of_one_kind_and_chunks_of_one_column_are_independent() -> None:
    schema = Schema("pairs", (Field("one", Normal()), Field("other", Normal())))
    rows = 20_000
    drawn = DataSet(schema, 2 * rows, seed=3, chunk_rows=rows).table()
    one, other = drawn["one"].to_numpy(), drawn["other"].to_numpy()
    for left, right in ((one, other), (one[:rows], one[rows:]), (one[:-1], one[1:])):
        assert abs(np.corrcoef(left, right)[0, 1]) < 4 / np.sqrt(len(left))


def test_a_chunk_begins_where_seed_sequences_spawn() -> None:
    child = np.random.SeedSequence(7).spawn(4)[3]
    assert child.spawn_key == (3,)
    drawn = Chunk(index=3, start=0, rows=1, seed=7).of("age").rng()
    assert drawn.bit_generator.seed_seq.entropy == child.entropy  # type: ignore[attr-defined]
    assert drawn.bit_generator.seed_seq.spawn_key[:1] == child.spawn_key  # type: ignore[attr-defined]


@pytest.mark.slow
@given(st.integers(1, 3000), st.integers(0, 2**63), st.integers(1, 700))
def test_distinct_numbers_use_up_their_range(size: int, seed: int, chunk_rows: int) -> None:
    numbers = np.concatenate([chunk.of("x").distinct(size) for chunk in split(size, seed=seed, chunk_rows=chunk_rows)])
    assert sorted(numbers) == list(range(size))


def test_distinct_numbers_are_out_of_order_and_all_over_their_range() -> None:
    numbers = Chunk(0, 0, 10_000, seed=1).of("x").distinct(10**15)
    assert abs(np.corrcoef(numbers, np.arange(10_000))[0, 1]) < 0.04
    counts, _ = np.histogram(numbers, bins=10, range=(0, 10**15))
    assert counts.min() > 850
    assert len(set(np.diff(numbers).tolist())) > 9000  # nobody tells the next one from the last


def test_more_distinct_numbers_than_there_are_is_refused() -> None:
    with pytest.raises(ImpossibleParameters, match="11 rows cannot all differ in 10 values"):
        Chunk(0, 0, 11, seed=1).of("x").distinct(10)


def test_no_rows_are_no_batches_and_an_empty_table() -> None:
    assert list(DataSet(SCHEMA, 0, seed=1).batches()) == []
    assert DataSet(SCHEMA, 0, seed=1).table().schema == SCHEMA.arrow
    assert pa.Table.from_batches(DataSet(SCHEMA, 1, seed=1).batches()).num_rows == 1
