"""How far apart is far: from distances to a word."""

from __future__ import annotations

from enum import StrEnum

NEAR, FAR = 0.05, 0.15
"""Distances of shares, beyond what chance makes, from which samples differ somewhat, and much."""
PAIR_NEAR, PAIR_FAR = 0.1, 0.25
"""The same for measures of how two columns go together."""
BLIND = 0.25
"""Where chance alone makes distances as large as this, there are too few values to tell anything."""


class Level(StrEnum):
    """What is to be thought of a column, a pair or everything, from good to bad."""

    GOOD = "good"
    FAIR = "fair"
    POOR = "poor"
    NO_DATA = "no data"


WORST_FIRST = (Level.POOR, Level.FAIR, Level.NO_DATA, Level.GOOD)


def level_of(distance: float, chance: float = 0.0, *, near: float = NEAR, far: float = FAR) -> Level:
    """The level of a distance that chance makes as large as `chance` where nothing differs."""
    beyond = distance - chance
    if chance > BLIND and beyond <= near:
        return Level.NO_DATA
    if beyond <= near:
        return Level.GOOD
    return Level.FAIR if beyond <= far else Level.POOR


def worst(levels: list[Level]) -> Level:
    """The worst of some levels; no data of none."""
    return next((level for level in WORST_FIRST if level in levels), Level.NO_DATA)
