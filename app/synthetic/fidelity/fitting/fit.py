"""A whole sample as a schema."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa

from app.synthetic.columns import Joint
from app.synthetic.errors import SyntheticError, UnfitSample, UnknownField, placed
from app.synthetic.fidelity.columns import Floats, Role, Series, series_of
from app.synthetic.fidelity.fitting.column import LONGEST, Options, fit_column
from app.synthetic.fidelity.fitting.fitted import Fitted, FittedColumn
from app.synthetic.fidelity.fitting.ranks import correlations
from app.synthetic.fidelity.fitting.relations import with_delays, with_places, with_tables
from app.synthetic.fidelity.samples import Sample
from app.synthetic.registry import kinds
from app.synthetic.schema import CORRELATIONS
from app.synthetic.text import Overlap, sentences, train

ORDERED = ("number.", "boolean", "date", "timestamp", "choice")
"""Kinds whose values can be put into an order that means something."""
SENTENCES = 2_000
"""Of a learnt corpus."""
ROWS_AT_A_TIME = 100
SHORTEST = 2
"""Words of a sentence of a learnt corpus."""


def fit(
    sample: Sample, name: str, options: Options | None = None, progress: Callable[[int, int], object] | None = None
) -> Fitted:
    """Fit a schema to a sample: its columns one by one, and the correlations of numbers.

    No value that is rarer than `rare` gets into it, nor what identifies people. Raises UnfitSample and UnknownField.
    """
    chosen = options or Options()
    with placed(sample.name):
        series = _usable(sample, chosen)
        columns: Sequence[FittedColumn] = [
            fit_column(column, chosen) for column in _watched(list(series.values()), progress)
        ]
        columns, hidden = with_places(columns, series, rare=chosen.rare)
        columns = with_delays(with_tables(columns, series, rare=chosen.rare), series)
        renamed = {column.name: _renamed(column.name) for column in columns}
        ordered = {
            renamed[column.name]: _order(series[column.name]) for column in columns if _is_ordered(column, series)
        }
        learnt = {str(column.field["corpus"]): column.name for column in columns if "corpus" in column.field}
        return Fitted(
            name=name,
            rows=sample.size,
            columns=tuple(_under(column, renamed) for column in columns),
            hidden=hidden,
            correlations=correlations(ordered),
            left_out={
                column: f"no kind makes {sample.table[column].type}"
                for column in sample.table.column_names
                if column not in series
            },
            corpora={file: _make_corpus(series[column], seed=chosen.seed) for file, column in learnt.items()},
        )


def _usable(sample: Sample, options: Options) -> dict[str, Series]:
    """Return the columns that can become fields."""
    if sample.size < options.rare:
        raise UnfitSample(f"has {sample.size} rows, and what fewer than {options.rare} have gets into no schema")
    series = {column: series_of(sample, column) for column in sample.table.column_names}
    for column in options.learn:
        if column not in series:
            raise UnknownField("field", column, series)
        if series[column].role not in (Role.TEXT, Role.CATEGORY) or not pa.types.is_string(series[column].values.type):
            raise UnfitSample("holds no texts to learn", place=f"{sample.name}, column {column}")
    usable = {name: each for name, each in series.items() if each.role is not Role.OTHER}
    if not usable:
        raise UnfitSample("has no column of which a field can be made")
    return usable


def _watched(series: Sequence[Series], progress: Callable[[int, int], object] | None) -> Iterator[Series]:
    for number, each in enumerate(series):
        if progress is not None:
            progress(number, len(series))
        yield each


def _renamed(name: str) -> str:
    """Return a field's name; append an underscore to names that schemas reserve."""
    kept = kinds().get(name)
    return f"{name}_" if name == CORRELATIONS or (kept is not None and issubclass(kept, Joint)) else name


def _under(column: FittedColumn, renamed: dict[str, str]) -> FittedColumn:
    field = dict(column.field)
    if "field" in field:
        field["field"] = renamed[field["field"]]
    return replace(column, name=renamed[column.name], field=field)


def _is_ordered(column: FittedColumn, series: dict[str, Series]) -> bool:
    """Return whether a field can be reordered: it depends on no other, and its values have an order."""
    of_numbers = column.kind != "choice" or series[column.name].role is Role.NUMBER
    unique = bool(column.field.get("unique"))
    return column.kind.startswith(ORDERED) and column.kind != "timestamp.after" and of_numbers and not unique


def _order(series: Series) -> Floats:
    if series.role is not Role.CATEGORY:
        return series.numbers
    return np.array(series.values.cast(pa.float64()).to_numpy(zero_copy_only=False), dtype=np.float64)


def _make_corpus(series: Series, *, seed: int) -> str:
    """Write sentences in the style of a column's texts; none repeats a long part of one of them.

    They hold real words, rare ones and names too: protect them as you protect the texts. Raises UnfitSample where
    there are too few texts to learn from.
    """
    try:
        chain = train("\n\n".join(series.values.drop_null().to_pylist()), place=f"column {series.name}")
        rng = np.random.default_rng(seed)
        made: list[pa.StringArray] = [
            sentences(chain, rng, ROWS_AT_A_TIME, least=SHORTEST, most=LONGEST, overlap=Overlap())
            for _ in range(SENTENCES // ROWS_AT_A_TIME)
        ]
    except SyntheticError as error:
        raise UnfitSample(f"its texts cannot be learnt: {error.what}", place=f"column {series.name}") from None
    return "\n\n".join(text for part in made for text in part.to_pylist()) + "\n"
