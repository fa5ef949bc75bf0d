"""The result of a comparison, for pages and programs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from app.synthetic.fidelity.comparing.columns import ColumnComparison
from app.synthetic.fidelity.comparing.distances import Level, worst
from app.synthetic.fidelity.comparing.pairs import PairComparison
from app.synthetic.fidelity.comparing.privacy import Privacy


@dataclass(frozen=True)
class SampleFacts:
    """A sample, and how much of it was looked at."""

    name: str
    rows: int
    looked_at: int


@dataclass(frozen=True)
class Report:
    """A comparison of a real and a synthetic sample."""

    real: SampleFacts
    synthetic: SampleFacts
    seed: int
    """Of the draws where a sample is large."""
    columns: tuple[ColumnComparison, ...]
    pairs: tuple[PairComparison, ...]
    unpaired: tuple[str, ...]
    """Columns whose pairs were not looked at, though they hold numbers, moments or categories: there are too many."""
    pair_rows: int
    """Records of each sample that pairs were measured on, at most."""
    privacy: Privacy

    @property
    def level_of_columns(self) -> Level:
        """The worst column."""
        return worst([column.level for column in self.columns])

    @property
    def level_of_pairs(self) -> Level:
        """The worst pair."""
        return worst([pair.level for pair in self.pairs])

    @property
    def worst_pairs(self) -> Sequence[PairComparison]:
        """The pairs that differ, those that differ most first."""
        apart = [pair for pair in self.pairs if pair.level in (Level.FAIR, Level.POOR)]
        return sorted(apart, key=lambda pair: -abs(pair.difference or 0))

    def as_json(self) -> dict[str, Any]:
        """Return the report as JSON values."""
        found = asdict(self)
        for pair, each in zip(found["pairs"], self.pairs, strict=True):
            pair["difference"] = each.difference
        levels = {"columns": self.level_of_columns, "pairs": self.level_of_pairs, "privacy": self.privacy.level}
        return {"levels": levels, **found}

    def summary(self) -> str:
        """Return one line for each verdict."""
        columns = [f"{column.name}: {column.level}; {column.verdict}" for column in self.columns]
        pairs = [
            f"{pair.one} and {pair.other}: {pair.level}; {pair.measure} is {pair.synthetic:.2f}, really {pair.real:.2f}"
            for pair in self.worst_pairs
        ]
        return "\n".join([*columns, *pairs, f"privacy: {self.privacy.level}; {self.privacy.verdict}"])
