"""One column of both samples: distances, and what they mean in words."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow.compute as pc

from app.synthetic.fidelity.columns import Floats, Role, Series
from app.synthetic.fidelity.comparing import distances
from app.synthetic.fidelity.comparing.distances import Level, level_of, worst

MOVED = 0.25
"""Wasserstein's distance in standard deviations from which columns differ somewhat, whatever the largest gap is."""
TELLING = 0.1
"""Shifts and widths, as a share, that are worth a word."""
COPIED = 0.01
"""Share of texts that stand in the real sample as they are, beyond chance, from which they look copied."""


@dataclass(frozen=True)
class ColumnSummary:
    """One sample's side of a column."""

    rows: int
    null_share: float
    distinct: int


@dataclass(frozen=True)
class ColumnComparison:
    """Distances between both samples of a column; None is what cannot be told of such a column."""

    name: str
    role: Role
    """Of texts, the distances are those of their lengths in characters."""
    real: ColumnSummary
    synthetic: ColumnSummary
    level: Level
    verdict: str
    null_difference: float
    """Share of missing values, synthetic less real."""
    ks: float | None = None
    wasserstein: float | None = None
    """In the column's own unit; in days for moments."""
    wasserstein_scaled: float | None = None
    """In standard deviations of the real column."""
    total_variation: float | None = None
    """Of categories, or of numbers in twenty bins of the real ones."""
    chance: float | None = None
    """The distance that chance alone can make."""
    below: float | None = None
    """How far the least synthetic value lies below the least real one, in real ranges; negative if above."""
    above: float | None = None
    """The same for the greatest."""
    verbatim: float | None = None
    """Share of synthetic texts that stand in the real sample as they are."""
    repeated: float | None = None
    """Share of real texts that stand there more than once: so many are the same without any copying."""
    unit: str = ""

    @property
    def looks_copied(self) -> bool:
        """Whether more texts are real ones than real ones repeat each other."""
        if self.verbatim is None or self.repeated is None:
            return False
        sizes = [max(1.0, side.rows * (1 - side.null_share)) for side in (self.real, self.synthetic)]
        return self.verbatim > self.repeated + COPIED + distances.chance_of_gap(sizes[0], sizes[1])


def compare_column(real: Series, synthetic: Series) -> ColumnComparison:
    """Compare both samples of one column, which must have the same role."""
    summaries = _summary(real), _summary(synthetic)
    nulls = synthetic.null_share - real.null_share
    if Role.EMPTY in (real.role, synthetic.role) or not (real.present.any() and synthetic.present.any()):
        level, words = _empty(real, synthetic)
        return ColumnComparison(real.name, real.role, *summaries, level, words, nulls)
    if real.role is Role.OTHER:
        words = f"nothing is said of {real.values.type}"
        return ColumnComparison(real.name, real.role, *summaries, Level.NO_DATA, words, nulls)
    if real.role is Role.CATEGORY:
        return _categories(real, synthetic, summaries, nulls)
    return _numbers(real, synthetic, summaries, nulls)


def _summary(series: Series) -> ColumnSummary:
    told = series.role is not Role.OTHER and series.present.any()
    distinct = int(pc.count_distinct(series.values).as_py()) if told else 0
    return ColumnSummary(series.rows, series.null_share, distinct)


def _empty(real: Series, synthetic: Series) -> tuple[Level, str]:
    sides = [name for name, each in (("real", real), ("synthetic", synthetic)) if not each.present.any()]
    if len(sides) == 2:
        return Level.NO_DATA, "no data: all values are missing in both samples"
    return Level.POOR, f"no data to compare: all {sides[0]} values are missing"


def _categories(
    real: Series, synthetic: Series, summaries: tuple[ColumnSummary, ColumnSummary], nulls: float
) -> ColumnComparison:
    counts = distances.counted(real.counts, synthetic.counts)
    variation, chance = distances.total_variation(*counts), distances.chance_of_variation(*counts)
    new = sum(count for name, count in synthetic.counts.items() if name not in real.counts)
    lost = sum(count for name, count in real.counts.items() if name not in synthetic.counts)
    words = [f"{_percent(variation)} of the values are in another category"]
    if new:
        words.append(f"{_percent(new / sum(synthetic.counts.values()))} are in categories that no real record has")
    if lost:
        words.append(f"categories of {_percent(lost / sum(real.counts.values()))} of the real values do not occur")
    level = level_of(variation, chance)
    return ColumnComparison(
        real.name,
        real.role,
        *summaries,
        worst([level, _level_of_nulls(real, synthetic)]),
        _in_words(level, words, nulls, real, synthetic),
        nulls,
        total_variation=variation,
        chance=chance,
    )


def _numbers(
    real: Series, synthetic: Series, summaries: tuple[ColumnSummary, ColumnSummary], nulls: float
) -> ColumnComparison:
    ours, theirs = real.known, synthetic.known
    gap, moved = distances.kolmogorov_smirnov(ours, theirs), distances.wasserstein(ours, theirs)
    bins = distances.binned(ours, theirs)
    variation = distances.total_variation(*bins)
    chances = distances.chance_of_gap(len(ours), len(theirs)), distances.chance_of_variation(*bins)
    deviation, span = float(ours.std()), float(np.ptp(ours))
    scaled = moved / deviation if deviation else None
    level = worst([level_of(gap, chances[0]), level_of(variation, chances[1])])
    if level is Level.GOOD and scaled is not None and scaled > MOVED:
        level = Level.FAIR
    verbatim, repeated = _verbatim(real, synthetic) if real.role is Role.TEXT else (None, None)
    return ColumnComparison(
        real.name,
        real.role,
        *summaries,
        worst([level, _level_of_nulls(real, synthetic)]),
        _in_words(level, _numbers_in_words(real, ours, theirs, gap, verbatim), nulls, real, synthetic),
        nulls,
        ks=gap,
        wasserstein=moved,
        wasserstein_scaled=scaled,
        total_variation=variation,
        chance=max(chances),
        below=float(ours.min() - theirs.min()) / span if span else None,
        above=float(theirs.max() - ours.max()) / span if span else None,
        verbatim=verbatim,
        repeated=repeated,
        unit={Role.MOMENT: "days", Role.TEXT: "characters"}.get(real.role, ""),
    )


def _numbers_in_words(real: Series, ours: Floats, theirs: Floats, gap: float, verbatim: float | None) -> list[str]:
    what = "lengths" if real.role is Role.TEXT else "values"
    words = [f"shares of {what} below any number differ by {_percent(gap)} at most"]
    deviation = float(ours.std())
    if not deviation:
        words.append(f"all real {what} are the same" + (", the synthetic ones are not" if theirs.std() else ""))
        return words
    shift = float(np.median(theirs) - np.median(ours)) / deviation
    if abs(shift) > TELLING:
        words.append(f"they lie {'higher' if shift > 0 else 'lower'} by {abs(shift):.2f} deviations in the middle")
    width = float(
        np.subtract(*np.quantile(theirs, (0.75, 0.25))) / max(np.subtract(*np.quantile(ours, (0.75, 0.25))), 1e-300)
    )
    if np.ptp(np.quantile(ours, (0.25, 0.75))) and abs(width - 1) > TELLING:
        words.append(f"their middle half is {width:.2f} times as wide")
    outside = float(((theirs < ours.min()) | (theirs > ours.max())).mean())
    if outside > COPIED:
        words.append(f"{_percent(outside)} lie outside the real range")
    if verbatim:
        words.append(f"{_percent(verbatim)} of the texts stand in the real sample as they are")
    return words


def _verbatim(real: Series, synthetic: Series) -> tuple[float, float]:
    """Return the share of synthetic texts found in the real sample, and of real ones found there more than once."""
    counted = pc.value_counts(real.values.drop_null())
    found = pc.is_in(synthetic.values.drop_null(), value_set=counted.field("values"))
    counts = counted.field("counts").to_numpy()
    return float(pc.mean(found).as_py()), float(counts[counts > 1].sum() / counts.sum())


def _level_of_nulls(real: Series, synthetic: Series) -> Level:
    """Rate the difference of missing values, which count as a category."""
    counts = [
        np.array([side.rows * side.null_share, side.rows * (1 - side.null_share)], dtype=np.float64)
        for side in (real, synthetic)
    ]
    level = level_of(distances.total_variation(*counts), distances.chance_of_variation(*counts))
    return Level.GOOD if level is Level.NO_DATA else level


def _in_words(level: Level, words: list[str], nulls: float, real: Series, synthetic: Series) -> str:
    if level is Level.NO_DATA:
        words = ["too few values to tell: chance alone makes as much of a difference"]
    if _level_of_nulls(real, synthetic) is not Level.GOOD:
        more = "more" if nulls > 0 else "fewer"
        words = [*words, f"{_percent(abs(nulls))} {more} of the values are missing"]
    return "; ".join(words)


def _percent(share: float) -> str:
    return f"{100 * share:.1f}%"
