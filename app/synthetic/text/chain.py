"""A Markov chain over words, compiled into arrays."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

States = NDArray[np.intp]

START = 0
"""The state before the first word of a sentence."""
END = 1
"""The state after the last word of a sentence; it leads to itself."""
FULL_STOPS = ".!?\u2026\u3002\uff01\uff1f"
"""Of Latin and of East Asian scripts."""
CLOSERS = "'\")]\u00bb\u2019\u201d"
"""Quotes and brackets that a sentence may end with."""
_PAUSES = ",;:-\u2013\u2014"


@dataclass(frozen=True, eq=False)
class Chain:
    """The states are the last `order` words; a state leads to what followed it in the corpus, as often as it did.

    Successors stand once for each time they were seen. So a draw is one lookup, whatever their frequencies.
    """

    order: int
    vocabulary: pa.StringArray
    last_word: States
    """For each state the number of its last word; -1 for START and END."""
    first: States
    """For each state where its successors begin in `successors`."""
    count: States
    """For each state how many successors it has."""
    successors: States
    corpus: NDArray[np.int32]
    """The corpus itself, as numbers of words, for the overlap test; empty where it was left out."""

    def step(self, states: States, draws: NDArray[np.float64]) -> States:
        """Draw the next states; `draws` are uniform from 0 up to 1."""
        chosen = (draws * self._many[states]).astype(np.intp)
        chosen += self.first[states]
        return self.successors[chosen]

    @cached_property
    def _many(self) -> NDArray[np.float64]:
        return self.count.astype(np.float64)

    @cached_property
    def forms(self) -> pa.StringArray:
        """The vocabulary three times: with a space behind, without, and as the last word of a text.

        Words taken out of it lie in one buffer just as text does; only where a text begins has to be told.
        """
        plain = self.vocabulary.to_pylist()
        return pa.array([*(f"{word} " for word in plain), *plain, *map(_closed, plain)], pa.string())


def _closed(word: str) -> str:
    bare = word.rstrip(_PAUSES)
    return bare if bare[-1:] in FULL_STOPS + CLOSERS else f"{bare}."
