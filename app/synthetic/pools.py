"""Pools of values that the package keeps in files, and draws by weight from many pools at once."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from app.synthetic.numbers.weights import alias_table

POOLED = pa.dictionary(pa.int32(), pa.string())
"""Type of columns whose values come out of a pool."""
Rows = NDArray[np.int32]
"""For each row of a chunk, a place in a pool."""


def read(path: Path) -> list[dict[str, str]]:
    """Read a file of tab-separated values; its first line names the columns."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


class Pool:
    """Texts by place; the same text may stand at several places."""

    def __init__(self, texts: Iterable[str]) -> None:
        values = pa.array(texts, pa.string())
        encoded = values.dictionary_encode()
        self.values = values
        self._distinct = encoded.dictionary
        self._codes: Rows = encoded.indices.to_numpy()

    def __len__(self) -> int:
        return len(self.values)

    def column(self, rows: Rows) -> pa.DictionaryArray:
        """Return the texts at these places, each kept once."""
        codes = rows if len(self._distinct) == len(self._codes) else self._codes[rows]
        return pa.DictionaryArray.from_arrays(codes, self._distinct)

    def text(self, rows: Rows) -> pa.StringArray:
        """Return the texts at these places, to be joined with others."""
        return self.values.take(pa.array(rows))


class Groups:
    """Places of a pool that follow one another and belong together: those of one country, say."""

    def __init__(self, weights: Sequence[Sequence[float]]) -> None:
        sizes = np.array([len(group) for group in weights])
        starts = np.concatenate(([0], np.cumsum(sizes)[:-1]))
        tables = [alias_table(np.array(group) * (len(group) / sum(group))) for group in weights if len(group)]
        filled = starts[sizes > 0]
        self._sizes = sizes.astype(np.float64)
        self.starts = starts.astype(np.int32)
        """The first place of each group."""
        self._share = np.concatenate([share for share, _ in tables])
        self._alias = np.concatenate(
            [alias + start for (_, alias), start in zip(tables, filled, strict=True)], dtype=np.int32
        )

    def draw(self, rng: np.random.Generator, groups: NDArray[np.integer]) -> Rows:
        """Draw a place of the pool for each row, by weight within the row's group."""
        point = rng.random(len(groups))
        point *= self._sizes[groups]
        place = point.astype(np.int32)
        point -= place
        place += self.starts[groups]
        return np.where(point < self._share[place], place, self._alias[place])


def uniform(sizes: Iterable[int]) -> Groups:
    """Build groups of these sizes with equal weights."""
    return Groups([[1.0] * size for size in sizes])


def written(*pieces: tuple[Pool, Rows]) -> pa.StringArray:
    """Join, for each row, the texts at its places in several pools.

    One look-up takes all pieces of all rows, each row's behind each other: so they are joined already, and only where a
    row begins has to be told. That costs a third of taking each piece and joining them.
    """
    texts, starts = _together(tuple(pool for pool, _ in pieces))
    places = np.empty((len(pieces[0][1]), len(pieces)), dtype=np.int32)
    for number, (_, rows) in enumerate(pieces):
        np.add(rows, starts[number], out=places[:, number])
    return neighbours(texts.take(pa.array(places.reshape(-1))), slice(None, None, len(pieces)))


def neighbours(texts: pa.StringArray, begins: slice | NDArray[np.integer]) -> pa.StringArray:
    """Join neighbouring texts: `begins` holds where each result begins, and where the last ends."""
    _, offsets, data = texts.buffers()
    picked = np.frombuffer(offsets, dtype=np.int32, count=len(texts) + 1)[begins]
    return pa.StringArray.from_buffers(len(picked) - 1, pa.py_buffer(np.ascontiguousarray(picked)), data)


@lru_cache(maxsize=256)
def _together(pools: tuple[Pool, ...]) -> tuple[pa.StringArray, list[int]]:
    """Concatenate the pools; return where each begins."""
    starts = np.cumsum([0, *map(len, pools)])
    return pa.concat_arrays([pool.values for pool in pools]), starts.tolist()


def joined(*pieces: pa.Array) -> pa.StringArray:
    """Concatenate the pieces of each row."""
    return pc.binary_join_element_wise(*pieces, "")


def offsets(lengths: NDArray[np.integer]) -> NDArray[np.int64]:
    """Return the index of each element within its own part: lengths 2, 0, 3 give 0 1 0 1 2."""
    ends: NDArray[np.int64] = np.cumsum(lengths, dtype=np.int64)
    total = int(ends[-1]) if len(ends) else 0
    places: NDArray[np.int64] = np.arange(total) - np.repeat(ends - lengths, lengths)
    return places
