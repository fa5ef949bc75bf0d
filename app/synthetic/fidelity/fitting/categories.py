"""Categories by weight; those that few records have are one category, so that no rare value gets into a schema."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.synthetic.fidelity.columns import Series
from app.synthetic.fidelity.fitting.observed import significant

OTHER = "other"
MOST_MERGED = 0.5
"""Share of values in rare categories from which a column is no column of categories."""
MOST_NAMED = 1000
"""Categories in a schema."""
SHARE_DIGITS = 4


@dataclass(frozen=True)
class Categories:
    """Shares of the categories that are common enough to be named, and of all others together."""

    shares: Mapping[str, float]
    merged: int
    """How many categories are together in `other`."""

    @property
    def merged_share(self) -> float:
        """Share of the values that lost their name."""
        return self.shares[OTHER] if self.merged else 0.0

    def field(self) -> dict[str, Any]:
        """Return the field of a schema."""
        if len(self.shares) == 1:
            return {"kind": "constant", "value": next(iter(self.shares))}
        return {
            "kind": "choice",
            "values": {name: significant(share, SHARE_DIGITS) for name, share in self.shares.items()},
        }

    def label(self, value: str) -> str:
        """Return the category of a value."""
        return value if value in self.shares else OTHER


def categories_of(series: Series, *, rare: int) -> Categories | None:
    """Return a column's categories; None where most values are rare, as in a column of texts."""
    counts = series.counts
    total = sum(counts.values())
    named = {name: count for name, count in counts.items() if count >= rare}
    merged = [count for name, count in counts.items() if name not in named]
    if not named or len(named) > MOST_NAMED or sum(merged) > MOST_MERGED * total:
        return None
    if merged:
        named[OTHER] = named.get(OTHER, 0) + sum(merged)
    return Categories({name: count / total for name, count in named.items()}, len(merged))
