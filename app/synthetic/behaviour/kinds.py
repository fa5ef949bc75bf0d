"""Kinds of columns that behave, by the names that schemas call them."""

from __future__ import annotations

from collections.abc import Mapping

from app.synthetic.behaviour import series, statement
from app.synthetic.columns import Column

KINDS: Mapping[str, type[Column]] = {**statement.KINDS, **series.KINDS}
