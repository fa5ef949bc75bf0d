"""Dates of birth by the ages of each country's people."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import numpy as np
from numpy.typing import NDArray

from app.synthetic.countries import countries
from app.synthetic.errors import require
from app.synthetic.people.names import DATA
from app.synthetic.pools import Groups, Rows, read

BAND = 5
OLDEST = 99
EPOCH = date(1970, 1, 1)


class Ages:
    """People of some ages; raises ImpossibleParameters. Ages are as in the UN's population prospects, nearly."""

    def __init__(self, youngest: int, oldest: int) -> None:
        require(
            0 <= youngest <= oldest <= OLDEST,
            f"ages go from {youngest} to {oldest}: they must rise, from 0 to {OLDEST}",
        )
        pyramids = {
            line["country"]: [float(share) for share in line["shares"].split()] for line in read(DATA / "ages.tsv")
        }
        self._youngest = youngest
        self._ages = Groups([_single(pyramids[code], youngest, oldest) for code in countries()])

    def births(self, rng: np.random.Generator, country: Rows, as_of: date) -> NDArray[np.int32]:
        """Draw dates of birth, in days since 1970, of people of these countries at a date."""
        age = self._ages.draw(rng, country) - self._ages.starts[country] + self._youngest
        days: NDArray[np.int32] = np.ceil(age * 365.25).astype(np.int32)
        days += (rng.random(len(country)) * 364).astype(np.int32)
        days *= -1
        days += (as_of - EPOCH).days
        return days


def _single(pyramid: Sequence[float], youngest: int, oldest: int) -> list[float]:
    """Return the share of each year of age."""
    return [pyramid[age // BAND] / BAND for age in range(youngest, oldest + 1)]
