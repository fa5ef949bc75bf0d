"""Files hold what was made, are the same for any number of workers, and are there whole or not at all."""

from __future__ import annotations

import csv
import errno
import json
import math
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from app.synthetic import Chunk, Column, DataSet, Field, Schema, parse_schema
from app.synthetic.columns import Needed
from app.synthetic.errors import CannotWrite, UnknownFormat
from app.synthetic.sinks import FORMATS, write_file
from app.synthetic.sinks.text import json_text, moment_text

EVERYTHING = parse_schema(
    """
    name: everything
    fields:
      id: uuid
      plan: {kind: choice, values: ['with "quotes"', "a,b", "", plain], nulls: 0.2}
      note: {kind: template, text: 'said "{plan}", \\{id}', nulls: 0.1}
      active: {kind: boolean, nulls: 0.1}
      visits: {kind: number.poisson, mean: 3, nulls: 0.1}
      spend: {kind: number.lognormal, median: 40, sigma: 1, decimals: 2, nulls: 0.1}
      born: {kind: date, start: 1940-01-01, end: 2007-12-31, nulls: 0.1}
      joined: {kind: timestamp, start: 2020-01-01, end: 2026-01-01, nulls: 0.1}
    """
)
FORTRESS = Path(sys.executable).with_name("fortress")
SUFFIXES = sorted(FORMATS)
DATA = DataSet(EVERYTHING, 2500, seed=3, chunk_rows=700)


def names(folder: Path) -> list[str]:
    """Of everything in a folder, hidden files too."""
    return [each.name for each in folder.iterdir()]


def parsed(texts: dict[str, str | None]) -> dict[str, Any]:
    """A row of text as Python's own types."""
    reads: dict[str, Callable[[str], Any]] = {
        "active": lambda text: {"true": True, "false": False}[text],
        "visits": int,
        "spend": float,
        "born": date.fromisoformat,
        "joined": datetime.fromisoformat,
    }
    return {name: None if text is None else reads.get(name, str)(text) for name, text in texts.items()}


def read_csv(path: Path) -> list[dict[str, Any]]:
    """By Python's own reader, which cannot tell a missing text from an empty one."""
    with path.open(newline="", encoding="utf-8") as file:
        return [parsed({name: text or None for name, text in row.items()}) for row in csv.DictReader(file)]


def read_json_lines(path: Path) -> list[dict[str, Any]]:
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    times = {"born": date.fromisoformat, "joined": datetime.fromisoformat}
    return [{name: times[name](v) if v and name in times else v for name, v in row.items()} for row in rows]


def read_arrow(path: Path) -> list[dict[str, Any]]:
    with pa.ipc.open_file(path) as reader:
        return reader.read_all().to_pylist()  # type: ignore[no-any-return]


READERS: dict[str, Callable[[Path], list[dict[str, Any]]]] = {
    ".csv": read_csv,
    ".jsonl": read_json_lines,
    ".ndjson": read_json_lines,
    ".parquet": lambda path: pq.read_table(path).to_pylist(),
    ".arrow": read_arrow,
}


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_file_holds_every_record(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"out{suffix}"
    assert write_file(DATA, path) == path.stat().st_size
    expected = list(DATA.dicts())
    if suffix == ".csv":
        expected = [{name: None if value == "" else value for name, value in row.items()} for row in expected]
    assert READERS[suffix](path) == expected
    assert names(tmp_path) == [path.name]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_any_number_of_workers_writes_the_same_bytes(suffix: str, tmp_path: Path) -> None:
    written = []
    for workers in (1, 2, 4):
        path = tmp_path / f"by-{workers}{suffix}"
        write_file(DataSet(EVERYTHING, 5000, 7, workers, chunk_rows=300), path)
        written.append(path.read_bytes())
    assert written[1:] == written[:-1]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_no_records_make_a_file_without_any(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"none{suffix}"
    write_file(DataSet(EVERYTHING, 0, seed=1), path)
    assert READERS[suffix](path) == []
    if suffix == ".csv":
        assert path.read_text() == ",".join(f'"{name}"' for name in EVERYTHING.arrow.names) + "\n"


def test_parquet_gathers_chunks_to_groups_for_readers(tmp_path: Path) -> None:
    counted = parse_schema("name: x\nfields: {n: sequence}")
    write_file(DataSet(counted, 300_000, seed=1, chunk_rows=10_000), tmp_path / "x.parquet")
    metadata = pq.ParquetFile(tmp_path / "x.parquet").metadata
    assert [metadata.row_group(n).num_rows for n in range(metadata.num_row_groups)] == [140_000, 140_000, 20_000]


def test_a_missing_text_and_an_empty_one_differ_in_csv(tmp_path: Path) -> None:
    schema = parse_schema("name: x\nfields: {a: {kind: choice, values: ['', b], nulls: 0.4}, n: sequence}")
    write_file(DataSet(schema, 50, seed=1), tmp_path / "x.csv")
    firsts = {line.rpartition(",")[0] for line in (tmp_path / "x.csv").read_text().splitlines()[1:]}
    assert firsts == {"", '""', '"b"'}


def test_progress_is_told_after_every_chunk(tmp_path: Path) -> None:
    told: list[int] = []
    write_file(DATA, tmp_path / "x.csv", told.append)
    assert told == [700, 1400, 2100, 2500]


def test_a_format_that_is_not_known_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnknownFormat, match=r"out.parqet: format '.parqet' is not known; did you mean '.parquet'"):
        write_file(DATA, tmp_path / "out.parqet")
    with pytest.raises(UnknownFormat, match="known are"):
        write_file(DATA, tmp_path / "o")


@dataclass(frozen=True, kw_only=True)
class Failing(Column):
    """Fails in a later chunk."""

    error: Exception
    type = pa.int64()

    def make(self, chunk: Chunk, needed: Needed) -> pa.Array:
        if chunk.index == 3:
            raise self.error
        return pa.array(chunk.numbers())


@pytest.mark.parametrize("error", [RuntimeError("broken"), KeyboardInterrupt()], ids=["error", "interrupt"])
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_failure_leaves_what_was_there_before(suffix: str, error: BaseException, tmp_path: Path) -> None:
    path = tmp_path / f"out{suffix}"
    path.write_text("before")
    schema = Schema("failing", (Field("x", Failing(error=error)),))  # type: ignore[arg-type]
    with pytest.raises(type(error)):
        write_file(DataSet(schema, 1000, seed=1, chunk_rows=100), path)
    assert path.read_text() == "before"
    assert names(tmp_path) == [path.name]


class FullDisk:
    """A file on a disk that has room for so many bytes."""

    def __init__(self, file: BinaryIO, room: int) -> None:
        self._file, self._room = file, room

    def write(self, data: Any) -> int:
        if self._file.tell() + memoryview(data).nbytes > self._room:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return self._file.write(data)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


@pytest.mark.parametrize("room", [0, 100, 50_000])
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_full_disk_is_told_and_leaves_nothing(
    suffix: str, room: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / f"out{suffix}"
    chosen = FORMATS[suffix]
    opened = chosen.writer
    monkeypatch.setattr(chosen, "writer", lambda file, schema: opened(FullDisk(file, room), schema))  # type: ignore[arg-type]
    with pytest.raises(CannotWrite, match=f"out{suffix}: could not be written: No space left on device"):
        write_file(DataSet(EVERYTHING, 5000, seed=1, chunk_rows=500), path)
    assert names(tmp_path) == []


@pytest.mark.slow
@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_a_disk_that_really_is_full_is_told_and_left_empty(suffix: str, tmp_path: Path) -> None:
    alone = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c"]
    mounted = 'mount -t tmpfs -o size=1m tmpfs "$0"'
    try:
        subprocess.run([*alone, mounted, tmp_path], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"no disk of its own can be mounted here: {error}")
    command = f'"{FORTRESS}" data generate --schema customers --rows 50000 --out "$0/out{suffix}"'
    told = subprocess.run(
        [*alone, f'{mounted} && {command}; echo "status $?"; ls -A "$0"', tmp_path],
        capture_output=True,
        text=True,
    )
    assert told.stderr == f"error: {tmp_path}/out{suffix}: could not be written: No space left on device\n"
    assert told.stdout == "status 1\n"


def test_a_place_that_takes_no_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(CannotWrite, match=r"x\.csv: could not be written: No such file or directory"):
        write_file(DATA, tmp_path / "missing" / "x.csv")
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(CannotWrite, match=r"folder\.csv: is a folder"):
        write_file(DATA, tmp_path / "folder.csv")
    assert names(tmp_path) == ["folder.csv"]


def test_a_link_goes_on_pointing_where_it_did(tmp_path: Path) -> None:
    (tmp_path / "link.csv").symlink_to(tmp_path / "real.csv")
    write_file(DATA, tmp_path / "link.csv")
    assert (tmp_path / "link.csv").is_symlink()
    assert (tmp_path / "real.csv").stat().st_size > 0


@pytest.mark.parametrize(
    "values",
    [
        pa.array(['"', "\\", "\n\t\x01\x1f", "é\u2028😀", "plain", "", None]),
        pa.array(['"', None, "x"]).dictionary_encode(),
        pa.DictionaryArray.from_arrays(pa.array([0, 1, 2], pa.int32()), pa.array(["x", None, '"'])),
        pa.array([1, None, -(2**62)]),
        pa.array([1.5, 1e300, -0.1, 36.0, 1e-7, None]),
        pa.array([True, False, None]),
        pa.array([[1, 2], None, []]),
        pa.array([{"a": 1}, None]),
    ],
    ids=lambda values: str(values.type),
)
def test_json_text_reads_back_as_the_same_values(values: pa.Array) -> None:
    assert [json.loads(text) for text in json_text(values).to_pylist()] == values.to_pylist()


def test_numbers_that_json_does_not_know_are_null() -> None:
    assert json_text(pa.array([math.nan, math.inf, -math.inf])).to_pylist() == ["null"] * 3


@pytest.mark.parametrize("micros", [0, 5, 400_000, 678_901])
def test_a_moment_reads_back_as_the_same_moment(micros: int) -> None:
    moments = [datetime(1901, 2, 3, 4, 5, 6, micros, tzinfo=UTC), None, datetime(2026, 1, 1, tzinfo=UTC)]
    texts = moment_text(pa.array(moments, pa.timestamp("us", "UTC"))).to_pylist()
    assert [text and datetime.fromisoformat(text) for text in texts] == moments
    assert micros or texts[0] == "1901-02-03T04:05:06Z"
