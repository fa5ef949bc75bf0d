"""One column of a sample as a field of a schema."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from scipy import stats

from app.synthetic.errors import require
from app.synthetic.fidelity.columns import Role, Series
from app.synthetic.fidelity.fitting import moments, numbers
from app.synthetic.fidelity.fitting.categories import MOST_MERGED, Categories, categories_of
from app.synthetic.fidelity.fitting.fitted import FittedColumn
from app.synthetic.fidelity.fitting.observed import Observed, significant
from app.synthetic.fidelity.fitting.personal import (
    is_single_word,
    names_identifier,
    numbered,
    personal,
    plain_name,
)

NULL_DIGITS = 4
UNEVEN = 0.1
"""Kolmogorov and Smirnov's distance from an even spread that is worth a word."""
MOST_DIGITS = 18
"""Of a whole number."""
OF_NUMBERS = ("place.latitude", "place.longitude")
"""Kinds that make numbers; a column of these may not become one of texts."""
LONGEST = 60
"""Words of a text that a field makes, at most."""
MARKS = 0.9
"""Share of different texts from which single words are marks of something, not words."""


@dataclass(frozen=True, kw_only=True)
class Options:
    """How to fit; raises ImpossibleParameters."""

    rare: int = 10
    """A value that fewer records have gets into no schema."""
    criterion: str = "bic"
    """What chooses among distributions of numbers: `bic` or `aic`."""
    learn: tuple[str, ...] = ()
    """Columns whose texts a Markov chain learns: the schema then holds real words."""
    corpus_prefix: str = ""
    """What the names of files of learnt texts begin with."""
    seed: int = 0

    def __post_init__(self) -> None:
        require(self.rare >= 1, f"rare is {self.rare}: it must be 1 or more")
        known = " or ".join(numbers.CRITERIA)
        require(self.criterion in numbers.CRITERIA, f"criterion is {self.criterion}: it must be {known}")


def fit_column(series: Series, options: Options) -> FittedColumn:
    """Fit a field to a column of numbers, moments, categories or texts."""
    known = int(series.present.sum())
    if known < options.rare:
        return FittedColumn(series.name, {"kind": "constant", "value": ""}, _no_data(known), nulls=1.0)
    found = _personal(series) or _by_role(series, options)
    return replace(found, nulls=significant(series.null_share, NULL_DIGITS))


def as_category(series: Series, categories: Categories) -> FittedColumn:
    """Build a field that chooses among categories."""
    merged = f", {categories.merged} rare ones of them merged to `other`" if categories.merged else ""
    reason = (
        "the same in all records" if len(categories.shares) == 1 else f"{len(categories.shares)} categories{merged}"
    )
    return FittedColumn(series.name, categories.field(), reason)


def _by_role(series: Series, options: Options) -> FittedColumn:
    if series.role is Role.NUMBER:
        return _number(series, options)
    if series.role is Role.MOMENT:
        return _moment(series)
    if pa.types.is_boolean(series.values.type):
        share = significant(float(pc.mean(series.values).as_py()), NULL_DIGITS)
        return FittedColumn(series.name, {"kind": "boolean", "share": share}, "true or false")
    if series.name in options.learn:
        return _learnt(series, options)
    categories = categories_of(series, rare=options.rare)
    return as_category(series, categories) if categories else _text(series)


def _no_data(known: int) -> str:
    return "no data, all values are missing" if not known else f"no data, {known} values are too few to fit anything"


def _personal(series: Series) -> FittedColumn | None:
    found = personal(series)
    if found is None:
        return None
    if found.kind == "number" or (series.role is Role.NUMBER and found.kind not in OF_NUMBERS):
        return _digits(series, f"somebody's own number, {found.reason}")
    return FittedColumn(series.name, {"kind": found.kind}, f"made anew, for {found.reason}")


def _number(series: Series, options: Options) -> FittedColumn:
    observed = Observed.of(series.known)
    if not observed.span:
        value = int(observed.low) if observed.is_whole else observed.low
        return FittedColumn(series.name, {"kind": "constant", "value": value}, "the same in all records")
    if found := _counting(series, observed):
        return found
    found_laws = numbers.ranked(series.known, rare=options.rare, criterion=options.criterion)
    best = found_laws[0]
    badly = ", which fits badly" if best.distance > numbers.POOR else ""
    reason = f"{best.family or 'the most likely distribution'}, {best.distance:.3f} away at most{badly}"
    return FittedColumn(series.name, numbers.field_of(best, observed), reason, candidates=tuple(found_laws))


def _counting(series: Series, observed: Observed) -> FittedColumn | None:
    """Fit whole numbers that all differ and so may identify records, by their order or the column's name."""
    if not observed.is_whole or len(observed.values) < observed.rows:
        return None
    spread = stats.uniform(observed.low, observed.span)
    if (np.diff(series.known) > 0).all() and observed.distance(spread) < UNEVEN:
        start = int(observed.low) if observed.low in (0, 1) else int(observed.outward()[0])
        return FittedColumn(series.name, {"kind": "sequence", "start": start}, "numbers that count up")
    return _digits(series, "numbers that all differ") if names_identifier(series.name) else None


def _digits(series: Series, reason: str) -> FittedColumn:
    """Fit random numbers, or texts of digits, as long as those observed."""
    if series.role is Role.NUMBER:
        return FittedColumn(series.name, _as_long_as(series), reason)
    if form := numbered(series.values.drop_null()):
        return _prefixed(series, *form, reason)
    return FittedColumn(series.name, {"kind": "uuid"}, f"{reason}, whose form is lost")


def _as_long_as(series: Series) -> dict[str, Any]:
    """Fit whole numbers of as many digits, so that a column of numbers stays one."""
    shortest, longest = (
        min(len(str(int(abs(limit)))), MOST_DIGITS) for limit in (series.known.min(), series.known.max())
    )
    field = {"kind": "number.integer", "low": 10 ** (shortest - 1), "high": 10**longest - 1}
    return field | ({"unique": True} if len(np.unique(series.known)) == len(series.known) else {})


def _prefixed(series: Series, prefix: str, width: int, reason: str) -> FittedColumn:
    digits = f"{plain_name(series.name) or 'text'}_digits"
    digits = digits if digits.isidentifier() else f"_{digits}"
    hidden = {digits: {"kind": "number.integer", "low": 0, "high": 10**width - 1, "unique": True}}
    field = {"kind": "template", "text": f"{prefix}{{{digits}:0{width}}}"}
    return FittedColumn(series.name, field, reason, hidden=hidden)


def _moment(series: Series) -> FittedColumn:
    field, distance = moments.field_of(series)
    uneven = f", though they are not: {distance:.3f} away" if distance > UNEVEN else ""
    return FittedColumn(series.name, field, f"spread evenly between round ends{uneven}")


def _text(series: Series) -> FittedColumn:
    values = series.values.drop_null()
    if is_single_word(values):
        if form := numbered(values):
            return _prefixed(series, *form, "numbers behind the same mark")
        if names_identifier(series.name) or len(series.counts) >= MARKS * len(values):
            return FittedColumn(series.name, {"kind": "uuid"}, "marks of something, whose form is lost")
    field = {"kind": "text.words", "words": min(_count_words(series), LONGEST)}
    return FittedColumn(series.name, field, "words of the corpus that ships, as many as there are on average")


def _learnt(series: Series, options: Options) -> FittedColumn:
    file = f"{options.corpus_prefix}{plain_name(series.name) or 'text'}.txt"
    field = {"kind": "text.words", "words": min(_count_words(series), LONGEST), "corpus": file}
    return FittedColumn(series.name, field, f"a Markov chain of {file}, which holds words of the real texts")


def _count_words(series: Series) -> int:
    """Return the mean number of words of a text, 1 or more."""
    texts = series.values.drop_null().to_pylist()
    return max(1, round(float(np.mean([len(text.split()) for text in texts]))))


__all__ = ["MOST_MERGED", "Options", "as_category", "fit_column"]
