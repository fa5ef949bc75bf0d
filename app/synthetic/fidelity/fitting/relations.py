"""What fields have to do with one another: places that agree, tables of categories, moments that follow others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pyarrow as pa

from app.synthetic.countries import countries
from app.synthetic.fidelity.columns import Role, Series
from app.synthetic.fidelity.fitting import moments
from app.synthetic.fidelity.fitting.categories import OTHER, Categories, categories_of
from app.synthetic.fidelity.fitting.column import NULL_DIGITS, as_category
from app.synthetic.fidelity.fitting.fitted import FittedColumn
from app.synthetic.fidelity.fitting.observed import significant

KNOWN = 0.9
"""Share of records in countries that have places and names here."""
FEW_MERGED = 0.05
OF_PEOPLE = ("person.", "identifier.iban")

Columns = Sequence[FittedColumn]
AllSeries = Mapping[str, Series]


def with_places(columns: Columns, series: AllSeries, *, rare: int) -> tuple[Columns, dict[str, Any]]:
    """Make columns of places and names agree; return them and the draw of places that they share.

    Where all are categories, and nobody lives there, they stay the categories that they are: their names are common.
    """
    placed = [column.name for column in columns if column.kind.startswith("place.")]
    shares = next((_known(series[column.name]) for column in columns if column.kind == "place.country"), {})
    peopled = bool(shares) and any(column.kind.startswith(OF_PEOPLE) for column in columns)
    common = {name: _common(series[name], rare) for name in placed}
    if placed and all(common.values()) and not peopled:
        return [_chosen(column, series, common.get(column.name)) for column in columns], {}
    drawn = {"place": {"kind": "place", "countries": shares}} if shares else {}
    return [_without_own_nulls(column) if shares else column for column in columns], drawn


def with_tables(columns: Columns, series: AllSeries, *, rare: int) -> Columns:
    """Look up categories that another column determines, such as the currency of a country."""
    categories = {
        column.name: found
        for column in columns
        if column.kind in ("choice", "place.country")
        and series[column.name].role is Role.CATEGORY
        and not pa.types.is_boolean(series[column.name].values.type)
        and (found := categories_of(series[column.name], rare=rare))
    }
    found_columns: list[FittedColumn] = []
    looked_up: set[str] = set()
    for column in columns:
        table = None
        for name in categories if column.kind == "choice" and column.name in categories else ():
            if name != column.name and name not in looked_up:
                table = _table(series[name], categories[name], series[column.name], categories[column.name])
            if table:
                looked_up.add(column.name)
                break
        found_columns.append(_looked_up(column, name, table) if table else column)
    return found_columns


def with_delays(columns: Columns, series: AllSeries) -> Columns:
    """Derive moments that never precede another column's from that column."""
    timed = [column.name for column in columns if column.kind in ("date", "timestamp")]
    means = {name: float(series[name].known.mean()) for name in timed}
    found: list[FittedColumn] = []
    for column in columns:
        delays = {
            name: delay
            for name in timed
            if column.kind == "timestamp"
            and means[name] < means[column.name]
            and _overlap(series[name], series[column.name])
            and (delay := moments.delay(series[name], series[column.name])) is not None
        }
        nearest = min(delays, key=lambda name: delays[name], default=None)
        found.append(_following(column, nearest, delays[nearest], series) if nearest else column)
    return found


def _known(country: Series) -> dict[str, float]:
    """Return the shares of the known countries, where these are most."""
    counts = {name: count for name, count in country.counts.items() if name in countries()}
    total = sum(country.counts.values())
    if sum(counts.values()) < KNOWN * total:
        return {}
    return {name: significant(count / total, NULL_DIGITS) for name, count in counts.items()}


def _common(series: Series, rare: int) -> Categories | None:
    if series.role is not Role.CATEGORY:
        return None
    found = categories_of(series, rare=rare)
    return found if found and found.merged_share <= FEW_MERGED else None


def _chosen(column: FittedColumn, series: AllSeries, common: Categories | None) -> FittedColumn:
    return replace(as_category(series[column.name], common), nulls=column.nulls) if common else column


def _without_own_nulls(column: FittedColumn) -> FittedColumn:
    """Drop the nulls of IBANs: countries without IBANs make them already."""
    return replace(column, nulls=0.0) if column.kind == "identifier.iban" else column


def _table(one: Series, known: Categories, other: Series, theirs: Categories) -> dict[str, str] | None:
    """Map each category of one column to that of the other; return None where one has two."""
    pairs = pa.table({"one": one.labels, "other": other.labels}).drop_null().group_by(["one", "other"]).aggregate([])
    table: dict[str, str] = {}
    for key, value in zip(*(pairs[name].to_pylist() for name in ("one", "other")), strict=True):
        label = theirs.label(value)
        if table.setdefault(known.label(key), label) != label:
            return None
    return table if len(table) == len(known.shares) > 1 and len(set(table.values())) > 1 else None


def _looked_up(column: FittedColumn, field: str, table: dict[str, str]) -> FittedColumn:
    kept = dict(sorted(table.items(), key=lambda pair: (pair[0] == OTHER, pair[0])))
    return replace(column, field={"kind": "lookup", "field": field, "table": kept}, reason=f"what {field} decides")


def _overlap(one: Series, other: Series) -> bool:
    """Return whether the ranges overlap: without overlap, the order of two moments means nothing."""
    return bool(other.known.min() < one.known.max())


def _following(column: FittedColumn, since: str, delay: float, series: AllSeries) -> FittedColumn:
    field = {
        "kind": "timestamp.after",
        "field": since,
        "mean_days": significant(delay),
        "until": moments.moment(moments.until(series[column.name])),
    }
    there = series[since].present
    missing = 1 - float(series[column.name].present[there].mean())
    return replace(column, field=field, reason=f"never before {since}", nulls=significant(missing, NULL_DIGITS))
