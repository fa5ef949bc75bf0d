"""Chunks come in order, not too far ahead, and with their errors."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pytest

from app.synthetic import Chunk, Column, DataSet, Field, Schema
from app.synthetic.columns import Needed
from app.synthetic.errors import BrokenColumn, ImpossibleParameters, WrongCount
from app.synthetic.kinds.values import Sequential

SCHEMA = Schema("counted", (Field("number", Sequential()),))


class Broke(Exception):
    """What a column may raise that is no error of ours."""


@dataclass(frozen=True, kw_only=True)
class BreaksAt(Column):
    chunk: int

    type = pa.int64()

    def make(self, chunk: Chunk, needed: Needed) -> pa.Array:
        if chunk.index == self.chunk:
            raise Broke(f"chunk {chunk.index}")
        return pa.array(chunk.numbers())


@dataclass(frozen=True, kw_only=True)
class Careless(Column):
    """Promises something else than it makes."""

    rows: int
    type = pa.int64()

    def make(self, chunk: Chunk, needed: Needed) -> pa.Array:
        return pa.array(np.zeros(self.rows, dtype=np.int64 if self.rows != chunk.rows else np.int32))


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_batches_come_in_order(workers: int) -> None:
    numbers = [n for batch in DataSet(SCHEMA, 1000, 1, workers, chunk_rows=7).batches() for n in batch[0].to_pylist()]
    assert numbers == list(range(1, 1001))


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_no_more_than_a_chunk_a_worker_is_made_ahead(workers: int) -> None:
    made: list[int] = []
    taken = 0

    def encode(batch: pa.RecordBatch) -> int:
        made.append(batch.num_rows)
        assert len(made) <= taken + workers + 1
        return batch.num_rows

    for _ in DataSet(SCHEMA, 500, 1, workers, chunk_rows=5).encoded(encode):
        taken += 1
        assert len(made) <= taken + workers
    assert taken == len(made) == 100


def test_workers_work_at_the_same_time() -> None:
    meeting = threading.Barrier(2, timeout=30)

    def encode(batch: pa.RecordBatch) -> int:
        meeting.wait()  # nobody passes alone
        return threading.get_ident()

    assert len(Counter(DataSet(SCHEMA, 8, 1, workers=2, chunk_rows=1).encoded(encode))) == 2


@pytest.mark.parametrize("workers", [1, 3])
def test_what_breaks_is_told_where_its_rows_would_have_come(workers: int) -> None:
    data = DataSet(Schema("broken", (Field("number", BreaksAt(chunk=4)),)), 100, 1, workers, chunk_rows=10)
    came = []
    with pytest.raises(Broke, match="chunk 4"):
        came.extend(batch.num_rows for batch in data.batches())
    assert came == [10] * 4


def test_what_columns_load_is_loaded_before_workers_start() -> None:
    makers: list[threading.Thread] = []

    @dataclass(frozen=True, kw_only=True)
    class Lazy(Column):
        type = pa.int64()

        def make(self, chunk: Chunk, needed: Needed) -> pa.Array:
            makers.append(threading.current_thread())
            return pa.array(chunk.numbers())

    DataSet(Schema("lazy", (Field("number", Lazy()),)), 100, 1, workers=3, chunk_rows=10).table()
    assert makers[0] is threading.main_thread()
    assert threading.main_thread() not in makers[1:]
    assert len(makers) == 11


def test_whoever_stops_reading_leaves_no_workers_behind() -> None:
    before = set(threading.enumerate())
    batches = DataSet(SCHEMA, 10_000, 1, workers=3, chunk_rows=10).batches()
    next(batches)
    batches.close()  # type: ignore[attr-defined]
    assert set(threading.enumerate()) <= before


@pytest.mark.parametrize(
    ("name", "count"), [("rows", -1), ("rows", 2.5), ("seed", -1), ("workers", 0), ("workers", -2), ("chunk_rows", 0)]
)
def test_counts_that_are_none_are_refused_at_once(name: str, count: float) -> None:
    with pytest.raises(WrongCount, match=rf"schema counted: {name} is {count}: it must be a whole number"):
        DataSet(SCHEMA, **{"rows": 1, "seed": 1, name: count})  # type: ignore[arg-type]


@pytest.mark.parametrize("rows", [3, 5])
def test_a_column_that_breaks_its_promise_is_named(rows: int) -> None:
    data = DataSet(Schema("broken", (Field("number", Careless(rows=rows)),)), 5, 1, workers=1)
    with pytest.raises(BrokenColumn, match=f"schema broken, field number: Careless made {rows} values of int"):
        data.table()


def test_unique_values_that_do_not_suffice_are_refused_before_any_is_made() -> None:
    from app.synthetic.kinds.values import Choice

    schema = Schema("few", (Field("colour", Choice(values=["red", "blue"], unique=True)),))
    with pytest.raises(ImpossibleParameters, match="schema few, field colour: 3 rows want different values"):
        DataSet(schema, 3, seed=1)
    assert sorted(DataSet(schema, 2, seed=1).table()["colour"].to_pylist()) == ["blue", "red"]
