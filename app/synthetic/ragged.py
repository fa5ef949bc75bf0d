"""Parts of different lengths, one after the other in one array."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def offsets(lengths: NDArray[np.integer]) -> NDArray[np.int64]:
    """For each element of parts of these lengths its place in its own part: 2, 0, 3 give 0 1 0 1 2."""
    ends: NDArray[np.int64] = np.cumsum(lengths, dtype=np.int64)
    total = int(ends[-1]) if len(ends) else 0
    places: NDArray[np.int64] = np.arange(total) - np.repeat(ends - lengths, lengths)
    return places
