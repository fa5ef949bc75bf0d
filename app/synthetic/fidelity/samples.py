"""Samples out of files: at most so many rows of them, drawn alike, in memory that does not grow with the file."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from app.synthetic.errors import EmptySample, UnknownFormat, UnreadableSample, WrongCount, placed

MOST_ROWS = 100_000
"""Of a sample, unless said otherwise: what it says then is right to a third of a percent."""
BATCH = 1 << 14
MISSING = ["", "NULL", "null", "NaN", "nan"]
"""What a field of CSV may hold where a value is missing; an empty text is `""`."""
NO_NUMBER = r"^(\+|-?0[0-9]|[0-9]{16,}$)"
"""Digits that count nothing: postcodes with a leading zero, telephone and card numbers."""
DAY = r"^\d{4}-\d{2}-\d{2}$"
MOMENT = r"^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?(Z|[+-]\d{2}:?\d{2})?$"


@dataclass(frozen=True)
class Sample:
    """Records of a file, or some of them."""

    name: str
    table: pa.Table
    rows: int
    """How many the file has; `table` may hold fewer."""

    @property
    def size(self) -> int:
        """Number of records in `table`."""
        return int(self.table.num_rows)

    def column(self, name: str) -> pa.Array:
        """Return one column as one array."""
        return self.table[name].combine_chunks()


def read_sample(path: Path, *, most: int = MOST_ROWS, seed: int = 0) -> Sample:
    """Read a CSV, JSON Lines, Parquet or Arrow file; draw `most` records uniformly where it has more.

    Texts that are all dates or moments (ISO 8601) become such. The same file and seed give the same records in the
    file's order. Raises UnknownFormat, UnreadableSample, EmptySample and WrongCount.
    """
    if most < 1:
        raise WrongCount("rows of a sample", most, least=1)
    place = str(path)
    with placed(place):
        chosen = READERS.get(path.suffix.lower())
        if chosen is None:
            raise UnknownFormat("format", path.suffix or path.name, READERS)
        try:
            rows, drawn = drawn_from(chosen.batches(path), most=most, seed=seed)
            table = chosen.typed(drawn) if drawn is not None else None
        except OSError as error:
            raise UnreadableSample(
                f"cannot be read: {os.strerror(error.errno) if error.errno else _reason(error)}"
            ) from None
        except UnicodeDecodeError:
            raise UnreadableSample(f"is no {chosen.name}: its text is not in UTF-8") from None
        except pa.ArrowException as error:
            raise UnreadableSample(f"is no {chosen.name}: {_reason(error)}") from None
        if table is None or not rows:
            raise EmptySample("has no rows")
        return sample_of(path.name, table, rows=rows)


def sample_of(name: str, table: pa.Table, *, rows: int | None = None) -> Sample:
    """Return a table as a sample; raise UnreadableSample where two columns share a name, and EmptySample."""
    twice = sorted({column for column in table.column_names if table.column_names.count(column) > 1})
    if twice:
        raise UnreadableSample(f"has two columns of the name {twice[0]!r}", place=name)
    if not table.num_rows:
        raise EmptySample("has no rows", place=name)
    columns = [_plain(column.combine_chunks()) for column in table.columns]
    return Sample(name, pa.table(columns, names=table.column_names), rows or table.num_rows)


def limited(sample: Sample, most: int, *, seed: int) -> Sample:
    """Draw at most `most` records uniformly; keep their order."""
    _, drawn = drawn_from(iter(sample.table.to_batches()), most=most, seed=seed)
    return sample if drawn is None or sample.size <= most else replace(sample, table=drawn)


def drawn_from(batches: Iterator[pa.RecordBatch], *, most: int, seed: int) -> tuple[int, pa.Table | None]:
    """Count the rows and draw at most `most` of them; return None where there are no batches.

    Every row gets a random key, and the smallest keys stay: which rows these are does not depend on the batches.
    """
    rng = np.random.default_rng(seed)
    rows, limit = 0, np.inf
    kept: list[tuple[NDArray[np.float64], pa.Table]] = []
    for batch in batches:
        keys = rng.random(batch.num_rows)
        rows += batch.num_rows
        good = np.flatnonzero(keys < limit)
        kept.append((keys[good], pa.Table.from_batches([batch]).take(good)))
        if sum(len(each) for each, _ in kept) > 2 * most:
            kept = [_smallest(kept, most)]
            limit = kept[0][0].max()
    return rows, _smallest(kept, most)[1] if kept else None


def _smallest(kept: list[tuple[NDArray[np.float64], pa.Table]], most: int) -> tuple[NDArray[np.float64], pa.Table]:
    keys = np.concatenate([each for each, _ in kept])
    table = pa.concat_tables([each for _, each in kept])
    if len(keys) <= most:
        return keys, table
    rows = np.sort(np.argpartition(keys, most)[:most])
    return keys[rows], table.take(rows)


@dataclass(frozen=True)
class Reader:
    """A reader of files of one format."""

    name: str
    batches: Callable[[Path], Iterator[pa.RecordBatch]]
    typed: Callable[[pa.Table], pa.Table] = lambda table: table
    """What the drawn rows of the batches become."""


def _csv_batches(path: Path) -> Iterator[pa.RecordBatch]:
    """Read all values as texts: the drawn rows, not the first ones, decide a column's type."""
    from pyarrow.csv import ConvertOptions, ParseOptions, open_csv

    lines = ParseOptions(newlines_in_values=True)
    with open_csv(path, parse_options=lines) as reader:
        texts = dict.fromkeys(reader.schema.names, pa.string())
    options = ConvertOptions(
        column_types=texts, strings_can_be_null=True, quoted_strings_can_be_null=False, null_values=MISSING
    )
    with open_csv(path, parse_options=lines, convert_options=options) as reader:
        yield from reader


def _csv_types(table: pa.Table) -> pa.Table:
    """Return Arrow's guess at the types; keep digits that are no quantity as text."""
    from pyarrow.csv import ConvertOptions, ParseOptions, ReadOptions, read_csv, write_csv

    texts = {
        name: pa.string()
        for name, column in zip(table.column_names, table.columns, strict=True)
        if pc.any(pc.match_substring_regex(column, NO_NUMBER)).as_py()
    }
    out = pa.BufferOutputStream()
    write_csv(table, out)
    written = out.getvalue()
    return read_csv(
        pa.BufferReader(written),
        read_options=ReadOptions(block_size=max(len(written), 1)),
        parse_options=ParseOptions(newlines_in_values=True),
        convert_options=ConvertOptions(
            column_types=texts, null_values=[""], strings_can_be_null=True, quoted_strings_can_be_null=False
        ),
    )


def _json_batches(path: Path) -> Iterator[pa.RecordBatch]:
    """Read lines unparsed, for the same reason."""
    with path.open("rb") as file:
        lines = (line.strip() for line in file)
        filled = (line for line in lines if line)
        while batch := list(islice(filled, BATCH)):
            yield pa.record_batch({"line": pa.array(batch, pa.binary())})


def _json_types(table: pa.Table) -> pa.Table:
    from pyarrow.json import ReadOptions, read_json

    lines = b"\n".join(table["line"].to_pylist())
    return read_json(pa.BufferReader(lines), read_options=ReadOptions(block_size=len(lines) + 1))


def _parquet_batches(path: Path) -> Iterator[pa.RecordBatch]:
    from pyarrow.parquet import ParquetFile

    with ParquetFile(path) as file:
        yield from file.iter_batches(BATCH)


def _arrow_batches(path: Path) -> Iterator[pa.RecordBatch]:
    with pa.memory_map(str(path)) as file, pa.ipc.open_file(file) as reader:
        yield from (reader.get_batch(number) for number in range(reader.num_record_batches))


_JSON = Reader("JSON Lines", _json_batches, _json_types)
READERS: Mapping[str, Reader] = {
    ".csv": Reader("CSV", _csv_batches, _csv_types),
    ".jsonl": _JSON,
    ".ndjson": _JSON,
    ".parquet": Reader("Parquet", _parquet_batches),
    ".arrow": Reader("Arrow file", _arrow_batches),
}


def _plain(values: pa.Array) -> pa.Array:
    """Decode dictionaries, convert decimals to floats, and parse texts that all are dates or moments."""
    if pa.types.is_dictionary(values.type):
        return _plain(values.dictionary_decode())
    if pa.types.is_decimal(values.type):
        return values.cast(pa.float64())
    if pa.types.is_timestamp(values.type):
        return _days(values)
    if pa.types.is_large_string(values.type) or pa.types.is_string_view(values.type):
        values = values.cast(pa.string())
    return _dated(values) if pa.types.is_string(values.type) and len(values) > values.null_count else values


def _days(moments: pa.Array) -> pa.Array:
    """Convert moments that all are midnights to days: JSON has no dates."""
    local = moments.cast(pa.timestamp(moments.type.unit))
    midnights = pc.equal(local, pc.floor_temporal(local, unit="day"))
    return local.cast(pa.date32()) if pc.all(midnights, min_count=1).as_py() else moments


def _dated(texts: pa.StringArray) -> pa.Array:
    try:
        if _all_match(texts, DAY):
            return texts.cast(pa.date32())
        return _moments(texts) if _all_match(texts, MOMENT) else texts
    except pa.ArrowInvalid:
        return texts  # the thirtieth of February


def _all_match(texts: pa.StringArray, pattern: str) -> bool:
    return bool(pc.all(pc.match_substring_regex(texts, pattern)).as_py())


def _moments(texts: pa.StringArray) -> pa.Array:
    zoned = pc.match_substring_regex(texts, r"(Z|[+-]\d{2}:?\d{2})$")
    if pc.any(zoned).as_py() != pc.all(zoned).as_py():
        return texts
    return texts.cast(pa.timestamp("us", "UTC") if pc.any(zoned).as_py() else pa.timestamp("us"))


def _reason(error: Exception) -> str:
    """Return Arrow's message on one line, without the row at its end: that holds real values."""
    return re.sub(r"(got \d+):.*", r"\1", " ".join(str(error).split()))
