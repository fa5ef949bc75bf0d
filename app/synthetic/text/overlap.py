"""Detection of texts that repeat the corpus.

The test is markovify's: a text of n words is refused where the corpus holds a run of more than the smaller of `total`
and `ratio` times n (rounded) of its words. It is done for all texts at once, by hashes of the runs.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from app.synthetic.errors import require
from app.synthetic.text.chain import Chain, States

_FACTOR = np.uint64(0x9E3779B97F4A7C15)
"""2^64 over the golden ratio, made odd: multiplying by it spreads small numbers over all bits."""


@dataclass(frozen=True)
class Overlap:
    """Longest run of words that a text may share with the corpus."""

    ratio: float = 0.7
    """Of the words of the text."""
    total: int = 15
    """In words."""

    def __post_init__(self) -> None:
        require(0 < self.ratio <= 1, f"ratio is {self.ratio}: it is above 0, and 1 at most")
        require(self.total >= 1, f"total is {self.total}: it is 1 or more")

    def repeats(self, chain: Chain, texts: NDArray[np.integer], lengths: States) -> NDArray[np.bool_]:
        """Return which texts repeat the corpus; `texts` has one row of word numbers each, the first `lengths` valid."""
        allowed = np.minimum(self.total, np.rint(self.ratio * lengths).astype(np.intp))
        found = np.zeros(len(texts), dtype=bool)
        for run in np.unique(allowed[lengths > 0]) + 1:
            rows = np.flatnonzero((allowed + 1 == run) & (lengths >= run))
            if rows.size:
                found[rows] = _holds_run(chain, texts[rows], lengths[rows], int(run))
        return found


def _holds_run(chain: Chain, texts: NDArray[np.integer], lengths: States, run: int) -> NDArray[np.bool_]:
    known = _runs_of_corpus(chain, run)
    runs = _hashes(texts, run)
    place = np.searchsorted(known, runs)
    stands = known[np.minimum(place, known.size - 1)] == runs if known.size else np.zeros(runs.shape, dtype=bool)
    inside = np.arange(runs.shape[1]) <= (lengths - run)[:, np.newaxis]
    return np.asarray((stands & inside).any(axis=1))


@lru_cache(maxsize=64)
def _runs_of_corpus(chain: Chain, run: int) -> NDArray[np.uint64]:
    return np.unique(_hashes(chain.corpus, run)) if len(chain.corpus) >= run else np.empty(0, np.uint64)


def _hashes(words: NDArray[np.integer], run: int) -> NDArray[np.uint64]:
    """Hash each run of `run` words along the last axis; overflow is intended."""
    spread = (words.astype(np.uint64) + np.uint64(1)) * _FACTOR
    spread ^= spread >> np.uint64(29)
    places = words.shape[-1] - run + 1
    hashed = np.zeros((*words.shape[:-1], places), dtype=np.uint64)
    for behind in range(run):
        hashed = hashed * _FACTOR + spread[..., behind : behind + places]
        hashed ^= hashed >> np.uint64(32)
    return hashed
