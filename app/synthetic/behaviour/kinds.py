"""Kinds of columns that behave, by the names that schemas call them."""

from __future__ import annotations

from collections.abc import Mapping

from app.synthetic.behaviour import series
from app.synthetic.columns import Column

KINDS: Mapping[str, type[Column]] = {
    "series": series.Series,
    "series.id": series.Id,
    "series.time": series.Time,
    "series.value": series.Value,
    "series.label": series.Label,
}
