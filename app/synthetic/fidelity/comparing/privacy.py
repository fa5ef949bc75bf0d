"""Detection of copied records: the distance of each synthetic record to its nearest real one.

Distances are Gower's (1971): the mean over the columns of 0 to 1. Numbers differ by the share of the real ones that
lies between them, categories wholly or not at all; a missing value differs wholly from one that is there. Texts are
left out of the distances, because the real ones nearly all differ; whether they were copied is told for each column.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from app.synthetic.fidelity.columns import Floats, Role, Series
from app.synthetic.fidelity.comparing.distances import Level, worst

REFERENCE = 10_000
"""Real records among which the nearest is looked for, at most."""
PROBES = 1_000
"""Records of each sample whose nearest is looked for, at most."""
BLOCK = 250
"""Records that are looked at together: a block's distances take 20 MB."""
NEAREST = 0.05
"""Which share of the real records counts as very near to another real one."""
SCALE = 100
SURE = 4.0
"""Standard errors, because many reports are made and few are false alarms only if each seldom is."""
LEAST_ROWS = 30
CLEAR = "no sign of copying: synthetic records are no nearer to real ones than these are to each other"
USED = (Role.NUMBER, Role.MOMENT, Role.CATEGORY)


@dataclass(frozen=True)
class Privacy:
    """The verdict on distances; shares are None where there is no data."""

    level: Level
    verdict: str
    columns: int
    """That make up a record here."""
    copied_texts: tuple[str, ...] = ()
    """Columns of texts that hold more real ones than real ones repeat each other."""
    copies: float | None = None
    """Share of synthetic records that are the same as a real one."""
    repeats: float | None = None
    """Share of real records that are the same as another real one: what copies there are without any copying."""
    median_synthetic: float | None = None
    median_real: float | None = None
    """Of the distances to the nearest real record, each real one held out in turn."""
    near: float | None = None
    """Share of synthetic records that are as near to a real one as the nearest `expected` of the real ones are."""
    expected: float | None = None


@dataclass(frozen=True)
class Nearness:
    """Distances of probes to their nearest real record."""

    synthetic: Floats
    real: Floats


def privacy_of(
    real: Sequence[Series], synthetic: Sequence[Series], copied_texts: Sequence[str] = (), *, seed: int
) -> tuple[Privacy, Nearness | None]:
    """Return verdict and distances; the columns have the same order on both sides."""
    used = [place for place, both in enumerate(zip(real, synthetic, strict=True)) if _is_used(*both)]
    ours, theirs = [real[place] for place in used], [synthetic[place] for place in used]
    if not used or min(ours[0].rows, theirs[0].rows) < LEAST_ROWS:
        return _without_distances(len(used), copied_texts), None
    copies, repeats = _same(ours, theirs)
    near = _nearness(ours, theirs, seed=seed)
    limit = float(np.quantile(near.real, NEAREST))
    share, expected = (float((side <= limit).mean()) for side in (near.synthetic, near.real))
    verdicts = [
        _of_texts(copied_texts),
        _of_copies(copies, repeats, ours[0].rows, theirs[0].rows),
        _of_nearness(share, expected, len(near.real), len(near.synthetic)),
    ]
    found = [verdict for verdict in verdicts if verdict is not None]
    medians = float(np.median(near.synthetic)), float(np.median(near.real))
    words = "; ".join(words for _, words in found) or CLEAR
    level = worst([level for level, _ in found]) if found else Level.GOOD
    return Privacy(level, words, len(used), tuple(copied_texts), copies, repeats, *medians, share, expected), near


def _is_used(real: Series, synthetic: Series) -> bool:
    return real.role in USED and bool(real.present.any() and synthetic.present.any())


def _without_distances(columns: int, copied_texts: Sequence[str]) -> Privacy:
    why = "too few records" if columns else "no column of numbers, moments or categories"
    if found := _of_texts(copied_texts):
        return Privacy(found[0], f"{found[1]}; no distances: {why}", columns, tuple(copied_texts))
    return Privacy(Level.NO_DATA, f"no data: {why}", columns)


def _of_texts(copied: Sequence[str]) -> tuple[Level, str] | None:
    return (Level.POOR, f"texts of {', '.join(copied)} are copied") if copied else None


def _of_copies(copies: float, repeats: float, real: int, synthetic: int) -> tuple[Level, str] | None:
    if copies <= repeats + _chance(repeats, real, synthetic):
        return None
    words = f"{copies:.1%} of the synthetic records are real ones, and {repeats:.1%} of the real ones come twice"
    return Level.POOR, words


def _of_nearness(share: float, expected: float, real: int, synthetic: int) -> tuple[Level, str] | None:
    chance = _chance(expected, real, synthetic)
    if share <= expected + chance:
        return None
    words = f"{share:.1%} of the synthetic records are as near to a real one as {expected:.1%} of the real ones are"
    return Level.POOR if share > 2 * expected + chance else Level.FAIR, f"{words} to another"


def _chance(share: float, real: int, synthetic: int) -> float:
    """Return how much larger a share may be among synthetic records than among real ones by chance.

    Real records come in pairs here, each the other's nearest, so that half as many say something; and a pair more
    might have been seen.
    """
    pair = 2 / real
    likely = min(share + pair, 1.0)
    return pair + SURE * float(np.sqrt(likely * (1 - likely) * (2 / real + 1 / synthetic)))


def _same(real: Sequence[Series], synthetic: Sequence[Series]) -> tuple[float, float]:
    """Return the share of copies among synthetic records, and of repeats among real ones."""
    keys = [_key(each, other) for each, other in zip(real, synthetic, strict=True)]
    ours = np.column_stack([each for each, _ in keys])
    theirs = np.column_stack([other for _, other in keys])
    _, places, counts = np.unique(np.concatenate([ours, theirs]), axis=0, return_inverse=True, return_counts=True)
    places = places.reshape(-1)
    of_real = np.bincount(places[: len(ours)], minlength=len(counts))
    return float((of_real[places[len(ours) :]] > 0).mean()), float((of_real[places[: len(ours)]] > 1).mean())


def _key(real: Series, synthetic: Series) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return a code for each different value of both, -1 for a missing one."""
    if real.role is Role.CATEGORY:
        return _codes(real, synthetic)
    together = np.concatenate([real.numbers, synthetic.numbers])
    codes = np.unique(together, return_inverse=True)[1].reshape(-1).astype(np.int64)
    codes[np.isnan(together)] = -1
    return codes[: real.rows], codes[real.rows :]


def _codes(real: Series, synthetic: Series) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    both = pa.concat_arrays([real.labels, synthetic.labels]).dictionary_encode().indices
    codes = both.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
    return codes[: real.rows], codes[real.rows :]


def _nearness(real: Sequence[Series], synthetic: Sequence[Series], *, seed: int) -> Nearness:
    rng = np.random.default_rng(seed)
    reference = _some(rng, real[0].rows, REFERENCE)
    held_out = reference[: min(PROBES, len(reference))]
    probes = _some(rng, synthetic[0].rows, PROBES)
    features = [_Feature.of(one, other) for one, other in zip(real, synthetic, strict=True)]
    bounded = [feature.bounded for feature in features]
    known = [feature.real[reference] for feature in features]
    return Nearness(
        _nearest([feature.synthetic[probes] for feature in features], known, bounded, itself=False),
        _nearest([feature.real[held_out] for feature in features], known, bounded, itself=True),
    )


@dataclass(frozen=True)
class _Feature:
    """A column as numbers that are 1 apart, or more, where values differ wholly."""

    real: NDArray[np.float32]
    synthetic: NDArray[np.float32]
    bounded: bool
    """True where no values are more than 1 apart."""

    @classmethod
    def of(cls, real: Series, synthetic: Series) -> _Feature:
        if real.role is Role.CATEGORY:
            ours, theirs = (codes.astype(np.float32) for codes in _codes(real, synthetic))
            return cls(ours, theirs, bounded=False)
        every_one = bool(real.present.all() and synthetic.present.all())
        scale = _scale(real.known)
        return cls(_scaled(real.numbers, *scale), _scaled(synthetic.numbers, *scale), bounded=every_one)


def _scale(known: Floats) -> tuple[Floats, Floats]:
    """Return the real quantiles and their ranks, for linear interpolation.

    No finer than hundredths: at the real numbers' own shares these would keep a distance that no others keep.
    """
    numbers, places = np.unique(np.quantile(known, np.linspace(0, 1, SCALE + 1)), return_inverse=True)
    steps = np.bincount(places.reshape(-1))
    return numbers, (np.cumsum(steps) - (steps + 1) / 2) / SCALE


def _scaled(numbers: Floats, at: Floats, shares: Floats) -> NDArray[np.float32]:
    """Return the ranks of numbers; a missing one is far from all others."""
    found = np.interp(numbers, at, shares)
    found[np.isnan(numbers)] = -2
    return found.astype(np.float32)


def _nearest(
    probes: Sequence[NDArray[np.float32]],
    known: Sequence[NDArray[np.float32]],
    bounded: Sequence[bool],
    *,
    itself: bool,
) -> Floats:
    """Return each probe's distance to its nearest known record; with `itself`, to the nearest other one.

    Then the probes are the first of the known ones.
    """
    found = np.empty(len(probes[0]))
    for start in range(0, len(found), BLOCK):
        rows = slice(start, start + BLOCK)
        distances = np.zeros((len(probes[0][rows]), len(known[0])), dtype=np.float32)
        apart = np.empty_like(distances)
        for ours, theirs, near in zip(probes, known, bounded, strict=True):
            np.abs(np.subtract(ours[rows, np.newaxis], theirs, out=apart), out=apart)
            distances += apart if near else np.minimum(apart, 1, out=apart)
        if itself:
            own = np.arange(len(distances))
            distances[own, start + own] = np.inf
        found[rows] = distances.min(axis=1)
    return found / len(probes)


def _some(rng: np.random.Generator, rows: int, most: int) -> NDArray[np.intp]:
    return rng.permutation(rows)[:most]
