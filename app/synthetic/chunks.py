"""Chunks of rows, and where their randomness comes from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from hashlib import blake2b
from itertools import count

import numpy as np
from numpy.typing import NDArray

from app.synthetic.errors import require

ROWS = 1 << 15
"""Rows of a chunk unless said otherwise: enough that Python's part vanishes, few enough for the memory of many."""
MOST_EXPANDED = 1 << 20
"""Rows that the subjects of a chunk may have together."""
MIXING_ROUNDS = 4


@dataclass(frozen=True)
class Chunk:
    """Some consecutive rows of a data set, as seen by one column.

    A chunk's draws depend on the seed, its index and the column's name, on nothing else. So they are the same whoever
    makes the chunk and when, and a column does not change when others come or go.
    """

    index: int
    start: int
    """Number of the first row, counted from 0 over all chunks."""
    rows: int
    seed: int
    column: str = ""

    def of(self, column: str) -> Chunk:
        """Return the same rows as another column sees them."""
        return replace(self, column=column)

    def expanded(self, rows: int) -> Chunk:
        """Return the chunk of this chunk's subjects' rows; raise ImpossibleParameters where there are too many.

        How many rows came before cannot be known here, so each chunk has as many numbers for its rows as any can need.
        """
        require(rows <= MOST_EXPANDED, f"{self.rows} subjects have {rows} rows together: the most is {MOST_EXPANDED}")
        return replace(self, start=self.index * MOST_EXPANDED, rows=rows)

    def rng(self, part: str = "") -> np.random.Generator:
        """Return a generator for one part of the column's draws; equal parts give equal draws.

        The first key is what `SeedSequence(seed).spawn` gives its child of this index.
        """
        return _generator(self.seed, self.index, _key(self.column, part))

    def numbers(self) -> NDArray[np.int64]:
        """Return the numbers of the rows."""
        return np.arange(self.start, self.start + self.rows, dtype=np.int64)

    def distinct(self, size: int, part: str = "") -> NDArray[np.int64]:
        """Draw a number below `size` for each row, unique in the data set; raise ImpossibleParameters.

        A keyed permutation of the row numbers: no memory of earlier chunks is needed. It walks a mixer of the next
        power of two until it is back in range, which takes fewer than two steps on average.
        """
        require(self.start + self.rows <= size, f"{self.start + self.rows} rows cannot all differ in {size} values")
        mix = _Mixer.of(self.seed, _key(self.column, part), max(1, (size - 1).bit_length()))
        values = mix(self.numbers().astype(np.uint64))
        while (outside := np.flatnonzero(values >= size)).size:
            values[outside] = mix(values[outside])
        return values.astype(np.int64)


def split(rows: int, *, seed: int, chunk_rows: int = ROWS) -> Iterator[Chunk]:
    """Yield the chunks of `rows` rows in order; the last one may be shorter."""
    for index, start in enumerate(range(0, rows, chunk_rows)):
        yield Chunk(index, start, min(chunk_rows, rows - start), seed)


def of_subjects(subjects: int, *, seed: int) -> Iterator[Chunk]:
    """Yield chunks of subjects without end: only their rows show how many are needed."""
    for index in count():
        yield Chunk(index, index * subjects, subjects, seed)


@dataclass(frozen=True)
class _Mixer:
    """A permutation of the numbers of so many bits: odd factors and shifts can all be undone."""

    bits: int
    factors: tuple[np.uint64, ...]
    terms: tuple[np.uint64, ...]

    @classmethod
    def of(cls, seed: int, key: int, bits: int) -> _Mixer:
        keys = np.random.SeedSequence(seed, spawn_key=(key,)).generate_state(2 * MIXING_ROUNDS, np.uint64)
        return cls(bits, tuple(keys[:MIXING_ROUNDS] | np.uint64(1)), tuple(keys[MIXING_ROUNDS:]))

    def __call__(self, values: NDArray[np.uint64]) -> NDArray[np.uint64]:
        mask = np.uint64((1 << self.bits) - 1)
        shift = np.uint64((self.bits + 1) // 2)
        for factor, term in zip(self.factors, self.terms, strict=True):
            values = (values * factor + term) & mask
            values ^= values >> shift
        return values


def _generator(seed: int, *keys: int) -> np.random.Generator:
    return np.random.Generator(np.random.SFC64(np.random.SeedSequence(seed, spawn_key=keys)))


def _key(column: str, part: str) -> int:
    return int.from_bytes(blake2b(f"{column}\0{part}".encode(), digest_size=16).digest(), "little")
