"""Samples are read alike from every format, and drawn so that each row has its chance."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from app.synthetic import DataSet, parse_schema, schema_named
from app.synthetic.errors import EmptySample, SyntheticError, UnknownFormat, UnreadableSample, WrongCount
from app.synthetic.fidelity.samples import drawn_from, limited, read_sample, sample_of
from app.synthetic.sinks import write_file

FORMATS = ("csv", "jsonl", "ndjson", "parquet", "arrow")


def test_every_format_says_the_same(tmp_path: Path) -> None:
    data = DataSet(schema_named("customers"), 1500, seed=3)
    tables = []
    for suffix in FORMATS:
        write_file(data, tmp_path / f"x.{suffix}")
        sample = read_sample(tmp_path / f"x.{suffix}", most=400, seed=1)
        assert (sample.rows, sample.size, sample.name) == (1500, 400, f"x.{suffix}")
        tables.append(sample.table)
    for name in tables[0].column_names:
        columns = [table[name].combine_chunks() for table in tables]
        if pa.types.is_timestamp(columns[0].type):
            columns = [column.cast(pa.timestamp("s")) for column in columns]
        assert all(column.equals(columns[0]) for column in columns), name


def test_digits_that_count_nothing_stay_texts(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("zip,phone,card,n\n01234,+4930123,9924636608981226,12\n99999,+4930124,1,13\n")
    types = read_sample(tmp_path / "x.csv").table.schema.types
    assert types == [pa.string(), pa.string(), pa.string(), pa.int64()]


def test_a_missing_value_is_no_empty_text(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text('a,b,c\n"",1,"two\nlines"\n,NaN,x\n')
    table = read_sample(tmp_path / "x.csv").table
    assert table.to_pydict() == {"a": ["", None], "b": [1, None], "c": ["two\nlines", "x"]}


def test_what_a_column_holds_is_seen_from_all_drawn_rows_not_from_the_first(tmp_path: Path) -> None:
    lines = ["1"] * 400_000 + ["2.5", "word"]
    (tmp_path / "x.csv").write_text("a\n" + "\n".join(lines))
    assert read_sample(tmp_path / "x.csv", most=10**6).table.schema.types == [pa.string()]
    (tmp_path / "x.jsonl").write_text("\n".join('{"a": %s}' % line for line in lines[:-1]) + "\n\n")  # noqa: UP031
    assert read_sample(tmp_path / "x.jsonl", most=10**6).table.schema.types == [pa.float64()]


def test_texts_that_are_dates_become_dates_and_others_do_not() -> None:
    columns = {
        "day": ["2024-02-29", None],
        "no_day": ["2023-02-29", "2024-01-01"],
        "moment": ["2024-01-01T10:00:00Z", "2024-01-01 10:00+02:00"],
        "local": ["2024-01-01T10:00", "2024-01-01 10:00:01.5"],
        "both": ["2024-01-01T10:00Z", "2024-01-01T10:00"],
    }
    types = dict(zip(columns, sample_of("x", pa.table(columns)).table.schema.types, strict=True))
    assert types["day"] == pa.date32()
    assert types["moment"] == pa.timestamp("us", "UTC")
    assert types["local"] == pa.timestamp("us")
    assert types["no_day"] == types["both"] == pa.string()


def test_every_row_is_as_likely_and_batches_do_not_matter() -> None:
    table = pa.table({"n": np.arange(1000)})
    taken = np.zeros(1000)
    for seed in range(300):
        found = [
            drawn_from(iter(table.to_batches(max_chunksize=size)), most=100, seed=seed)[1] for size in (1000, 37, 250)
        ]
        assert found[0] is not None
        assert all(each is not None and each.equals(found[0]) for each in found)
        rows = found[0]["n"].to_numpy()
        assert len(set(rows)) == 100
        assert (np.diff(rows) > 0).all()
        taken[rows] += 1
    # Each row is there 30 times on average, give or take 5.2 (binomial).
    assert abs(taken.mean() - 30) < 1e-9
    assert 4.7 < taken.std() < 5.7
    assert np.abs(taken - 30).max() < 5.5 * 5.2


def test_a_small_sample_is_left_as_it_is() -> None:
    sample = sample_of("x", pa.table({"n": [1, 2, 3]}))
    assert limited(sample, 3, seed=0) is sample
    assert limited(sample, 2, seed=0).size == 2


def broken(path: Path) -> None:
    path.write_bytes(b"\x00\xff\x13 no such thing\nname")


def empty(path: Path) -> None:
    path.write_bytes(b"")


def of_no_rows(path: Path) -> None:
    write_file(DataSet(parse_schema("name: none\nfields: {n: sequence}"), 0, seed=1), path)


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize(
    ("make", "errors"),
    [(broken, (UnreadableSample,)), (empty, (UnreadableSample, EmptySample)), (of_no_rows, (EmptySample,))],
    ids=["broken", "empty", "no rows"],
)
def test_what_holds_no_records_is_refused_by_name(
    tmp_path: Path, suffix: str, make: Callable[[Path], None], errors: tuple[type[SyntheticError], ...]
) -> None:
    path = tmp_path / f"x.{suffix}"
    make(path)
    if (make, suffix) == (broken, "csv"):
        path.write_text("a,b\n1,2\n3\n")
    with pytest.raises(errors, match=rf"^{path}: [^\n]+$"):
        read_sample(path)


def test_other_wrong_files_are_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(UnknownFormat, match=r"x\.txt: format '\.txt' is not known"):
        read_sample(tmp_path / "x.txt")
    with pytest.raises(UnreadableSample, match=r"none\.parquet: cannot be read: No such file"):
        read_sample(tmp_path / "none.parquet")
    with pytest.raises(WrongCount, match="rows of a sample is 0"):
        read_sample(tmp_path / "x.csv", most=0)
    (tmp_path / "x.csv").write_text("a,a\n1,2\n")
    with pytest.raises(UnreadableSample, match="two columns of the name 'a'"):
        read_sample(tmp_path / "x.csv")


@pytest.mark.parametrize("text", ["a,café\n1,2\n", "a,b\n1,café\n"], ids=["in the line of names", "in a record"])
def test_a_table_of_other_text_than_utf_8_is_refused_by_name(tmp_path: Path, text: str) -> None:
    path = tmp_path / "x.csv"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(UnreadableSample, match=rf"^{path}: is no CSV: [^\n]*UTF-?8"):
        read_sample(path)


def test_an_error_does_not_tell_the_row_it_is_about(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("a,b\n1,2\nSecret Name\n")
    with pytest.raises(UnreadableSample) as told:
        read_sample(tmp_path / "x.csv")
    assert "Secret" not in str(told.value)
    pq.write_table(pa.table({"a": [1]}), tmp_path / "y.parquet")
    assert read_sample(tmp_path / "y.parquet").size == 1
