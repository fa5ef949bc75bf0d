"""Schemas whose rows come of subjects: one has many rows, another none."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from app.synthetic.chunks import Chunk
from app.synthetic.columns import Column, Expanding, Needed
from app.synthetic.errors import ImpossibleParameters, InvalidSchema, UnknownField
from app.synthetic.generate import DataSet
from app.synthetic.kinds.values import Sequential, Uuid
from app.synthetic.numbers import Integers
from app.synthetic.schema import Field, Schema
from app.synthetic.sinks import write_file


@dataclass(frozen=True, kw_only=True)
class Visits(Expanding):
    """Subject n has n modulo `most` rows."""

    most: int = 5
    each: int = 2

    type = pa.int64()

    def subjects(self, rows: int) -> int:
        return max(1, rows // self.each)

    def make(self, chunk: Chunk, needed: Needed) -> pa.Array:
        return pa.array(np.repeat(chunk.numbers(), chunk.numbers() % self.most))


@dataclass(frozen=True, kw_only=True)
class Visitor(Column):
    type = pa.int64()
    needs = ("visits",)

    def make(self, chunk: Chunk, needed: Needed) -> pa.Array:
        return needed["visits"]


def schema(visits: Visits | None = None) -> Schema:
    return Schema(
        "visits",
        (
            Field("number", Sequential()),
            Field("id", Uuid()),
            Field("code", Integers(low=0, high=1 << 60, unique=True), nulls=0.2),
            Field("visitor", Visitor()),
            Field("visits", visits or Visits(), hidden=True),
        ),
    )


def visitors(rows: int, chunk_rows: int, workers: int = 1) -> NDArray[np.int64]:
    return np.asarray(DataSet(schema(), rows, 1, workers, chunk_rows).table()["visitor"].to_numpy())


def expected(rows: int) -> NDArray[np.int64]:
    subjects = np.arange(rows + 5)
    return np.repeat(subjects, subjects % 5)[:rows]


@pytest.mark.slow
@given(st.integers(0, 300), st.integers(1, 50), st.sampled_from([1, 2, 3]))
def test_row_counts_are_exact_and_only_the_last_subject_is_cut(rows: int, chunk_rows: int, workers: int) -> None:
    assert visitors(rows, chunk_rows, workers).tolist() == expected(rows).tolist()


@pytest.mark.parametrize("workers", [2, 5])
def test_the_same_whatever_the_number_of_workers(workers: int) -> None:
    one, more = (DataSet(schema(), 1000, 3, count, chunk_rows=50).table() for count in (1, workers))
    assert one.equals(more)
    assert len(set(one["id"].to_pylist())) == 1000


def test_unique_values_and_numbers_never_come_twice() -> None:
    table = DataSet(schema(), 1000, 3, 1, chunk_rows=50).table()
    assert len(set(table["number"].to_pylist())) == 1000
    assert table["number"].to_pylist() == sorted(table["number"].to_pylist())
    codes = table["code"].drop_null().to_pylist()
    assert len(set(codes)) == len(codes) > 700


def test_a_file_has_all_rows_and_progress_ends_with_them(tmp_path: Path) -> None:
    told: list[int] = []
    write_file(DataSet(schema(), 777, 3, 2, chunk_rows=50), tmp_path / "visits.csv", told.append)
    assert len((tmp_path / "visits.csv").read_text().splitlines()) == 778
    assert told == sorted(told)
    assert told[-1] == 777


def test_subjects_that_never_have_a_row_are_refused() -> None:
    with pytest.raises(ImpossibleParameters, match="schema visits: hardly a subject has a row"):
        DataSet(schema(Visits(most=1)), 1, 1, 1).table()


def test_only_empty_chunks_in_a_row_count_against_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.synthetic.generate.MOST_EMPTY", 3)
    assert len(visitors(200, 1)) == 200


def test_chunks_without_a_row_are_passed_over() -> None:
    batches = list(DataSet(schema(Visits(each=1)), 6, 1, 1, chunk_rows=1).batches())
    assert [batch.num_rows for batch in batches] == [1, 2, 3]


def test_too_many_rows_of_one_chunk_are_refused() -> None:
    with pytest.raises(ImpossibleParameters, match=r"subjects have .* rows together: the most is"):
        DataSet(schema(Visits(most=10_000)), 1, 1, 1, chunk_rows=1 << 12).table()


def test_only_one_draw_may_say_how_many_rows_there_are() -> None:
    with pytest.raises(InvalidSchema, match="visits and more all say how many rows there are"):
        Schema("two", (*schema().fields, Field("more", Visits(), hidden=True)))


def test_it_is_made_whole() -> None:
    fields = [field for field in schema().fields if field.name != "visits"]
    with pytest.raises(InvalidSchema, match="schema some, field visits: is made first"):
        Schema("some", (*fields, Field("visits", Visits(), nulls=0.1, hidden=True)))


def test_some_columns_are_made_as_they_are_among_all() -> None:
    chunk = Chunk(2, 20, 10, 5)
    some = schema().columns(chunk, ["code", "visits"])
    assert some["code"].equals(schema().make(chunk)["code"])
    assert set(some) == {"code", "visits"}
    with pytest.raises(UnknownField, match="schema visits: field 'cod' is not known; did you mean 'code'"):
        schema().columns(chunk, ["cod"])
