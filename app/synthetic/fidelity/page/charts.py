"""Charts of the page: shares of bins, lines and bars, never a single record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import islice

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from app.synthetic.fidelity.columns import Floats, Role, Series
from app.synthetic.fidelity.comparing.pairs import PairComparison
from app.synthetic.fidelity.comparing.privacy import Nearness
from app.synthetic.fidelity.page.svg import INK, REAL, SOFT, SYNTHETIC, figure, inline

BINS = 40
POINTS = 200
EDGE = 0.005
"""Share of the values at each end that charts leave out: a record far out would show as itself."""
RARE = 10
"""A category that fewer real records have is not named."""
MOST_BARS = 12
LONGEST_LABEL = 28
WRITTEN = 10
"""Columns up to which strengths are written into their fields."""
AXIS: Mapping[Role, str] = {Role.TEXT: "length in characters", Role.MOMENT: ""}
WIDE, LOW = 8.4, 2.2


def column_chart(real: Series, synthetic: Series, *, name: str) -> str:
    """Draw both samples of a column; return an empty text where one has no values."""
    if real.role in (Role.EMPTY, Role.OTHER) or not (real.present.any() and synthetic.present.any()):
        return ""
    return _bars(real, synthetic, name) if real.role is Role.CATEGORY else _curves(real, synthetic, name)


def pair_charts(columns: Sequence[str], pairs: Sequence[PairComparison], *, name: str) -> str:
    """Draw the association of all pairs in both samples, and the difference; return an empty text without pairs."""
    if not pairs:
        return ""
    size = max(2.4, 0.22 * len(columns) + 1.2)
    with figure(3 * size, size) as drawn:
        axes = drawn.subplots(1, 3, sharey=True, squeeze=False)[0]
        for place, (title, which) in enumerate(
            (("real", "real"), ("synthetic", "synthetic"), ("difference", "difference"))
        ):
            _map(axes[place], title, columns, _strengths(columns, pairs, which))
        return inline(drawn, name=name, label=f"How strongly {len(columns)} columns go together, and how that differs")


def privacy_chart(nearness: Nearness, *, name: str) -> str:
    """Draw the distances to the nearest real record."""
    with figure(WIDE, LOW) as drawn:
        axes = drawn.subplots()
        high = float(max(np.quantile(nearness.real, 1 - EDGE), np.quantile(nearness.synthetic, 1 - EDGE))) or 1.0
        grid = np.linspace(0, high, POINTS)
        _line(axes, grid, _below(nearness.real, grid), _below(nearness.synthetic, grid))
        axes.set_xlabel("distance to the nearest real record")
        axes.set_ylabel("share below")
        return inline(drawn, name=name, label="Distances to the nearest real record, of synthetic and of real records")


def plain(text: str) -> str:
    """Return a text as one short line of printable characters."""
    seen = "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)
    return seen if len(seen) <= LONGEST_LABEL else seen[: LONGEST_LABEL - 1] + "\N{HORIZONTAL ELLIPSIS}"


def bars_of(real: Series, synthetic: Series) -> dict[str, tuple[float, float]]:
    """Return the shares of the most frequent categories and of all others; rare real ones are among the others."""
    totals = [max(1, sum(side.counts.values())) for side in (real, synthetic)]
    common = (name for name, count in real.counts.items() if count >= RARE)
    named = list(islice(common, MOST_BARS - 1))
    bars = {plain(name): (real.counts[name] / totals[0], synthetic.counts.get(name, 0) / totals[1]) for name in named}
    rest = tuple(
        1 - sum(each.counts.get(name, 0) for name in named) / total
        for each, total in zip((real, synthetic), totals, strict=True)
    )
    return bars | ({"all others": (rest[0], rest[1])} if max(rest) > 1e-9 else {})


def _curves(real: Series, synthetic: Series, name: str) -> str:
    both = np.concatenate([real.known, synthetic.known])
    low, high = (float(quantile) for quantile in np.quantile(both, (EDGE, 1 - EDGE)))
    if low == high:
        low, high = low - 0.5, high + 0.5
    with figure(WIDE, LOW) as drawn:
        left, right = drawn.subplots(1, 2)
        edges = np.linspace(low, high, BINS + 1)
        for each, colour, style in ((real, REAL, "-"), (synthetic, SYNTHETIC, "--")):
            shares = np.histogram(each.known, edges)[0] / len(each.known)
            x = _axis_values(edges, real.role)
            left.stairs(shares, x, color=colour, linestyle=style, fill=False, linewidth=1.4)
        left.set_ylabel("share")
        grid = np.linspace(low, high, POINTS)
        _line(right, _axis_values(grid, real.role), _below(real.known, grid), _below(synthetic.known, grid))
        right.set_ylabel("share below")
        for axes in (left, right):
            axes.set_xlabel(AXIS.get(real.role, ""))
            axes.tick_params(axis="x", rotation=20 if real.role is Role.MOMENT else 0)
        return inline(drawn, name=name, label=f"{plain(real.name)}: shares of values, and shares below them")


def _bars(real: Series, synthetic: Series, name: str) -> str:
    bars = bars_of(real, synthetic)
    with figure(WIDE, 0.6 + 0.32 * len(bars)) as drawn:
        axes = drawn.subplots()
        places = np.arange(len(bars))
        for side, (colour, offset) in enumerate(((REAL, -0.2), (SYNTHETIC, 0.2))):
            axes.barh(places + offset, [shares[side] for shares in bars.values()], 0.38, color=colour)
        axes.set_yticks(places, list(bars))
        axes.invert_yaxis()
        axes.set_xlabel("share")
        return inline(drawn, name=name, label=f"{plain(real.name)}: shares of categories")


def _line(axes: Axes, x: NDArray[np.generic], real: Floats, synthetic: Floats) -> None:
    axes.plot(x, real, color=REAL, linewidth=1.4)
    axes.plot(x, synthetic, color=SYNTHETIC, linewidth=1.4, linestyle="--")
    axes.set_ylim(0, 1.02)


def _below(values: Floats, grid: Floats) -> Floats:
    found: Floats = np.searchsorted(np.sort(values), grid, side="right") / len(values)
    return found


def _axis_values(days: Floats, role: Role) -> NDArray[np.generic]:
    return (days * 86_400e3).astype("datetime64[ms]") if role is Role.MOMENT else days


def _strengths(columns: Sequence[str], pairs: Sequence[PairComparison], which: str) -> Floats:
    place = {name: number for number, name in enumerate(columns)}
    matrix = np.full((len(columns), len(columns)), np.nan)
    for pair in pairs:
        value = getattr(pair, which)
        where = place[pair.one], place[pair.other]
        matrix[where] = matrix[where[::-1]] = np.nan if value is None else value
    return matrix


def _map(axes: Axes, title: str, columns: Sequence[str], strengths: Floats) -> None:
    axes.pcolormesh(np.ma.masked_invalid(strengths), cmap="RdBu_r", vmin=-1, vmax=1, edgecolors="face")
    places = np.arange(len(columns)) + 0.5
    labels = [plain(name) for name in columns]
    axes.set_xticks(places, labels, rotation=90)
    axes.set_yticks(places, labels)
    axes.set_aspect("equal")
    axes.invert_yaxis()
    axes.set_title(title, color=INK, fontsize=9)
    axes.spines[:].set_color(SOFT)
    if len(columns) <= WRITTEN:
        for (row, column), value in np.ndenumerate(strengths):
            if np.isfinite(value):
                colour = "white" if abs(value) > 0.6 else "black"
                axes.text(column + 0.5, row + 0.5, f"{value:.2f}", ha="center", va="center", fontsize=6, color=colour)
