"""Columns that go together, each by its own distribution: a Gaussian copula."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from app.synthetic.chunks import Chunk
from app.synthetic.columns import Column, Joint, Needed
from app.synthetic.errors import ImpossibleParameters, UnknownField, require

ROUNDING = 1e-9


@dataclass(frozen=True, kw_only=True)
class Copula(Joint):
    """Normal draws that are correlated as asked, one for each field; raises ImpossibleParameters.

    `ranks` are Spearman's correlations between pairs of fields, because these are the same whatever the fields'
    distributions, so that what is asked can be measured. Pairs that are not named are asked to be independent.
    """

    ranks: Mapping[tuple[str, str], float]

    def __post_init__(self) -> None:
        for pair, rank in self.ranks.items():
            require(pair[0] != pair[1], f"{pair[0]} is to be correlated with itself")
            require(-1 <= rank <= 1, f"the correlation of {' and '.join(pair)} is {rank}: it goes from -1 to 1")
            require((pair[1], pair[0]) not in self.ranks, f"the correlation of {' and '.join(pair)} is given twice")
        _ = self._root

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The fields that go together."""
        return tuple(dict.fromkeys(name for pair in self.ranks for name in pair))

    @cached_property
    def type(self) -> pa.DataType:
        return pa.struct([(name, pa.int64()) for name in self.names])

    def make(self, chunk: Chunk, needed: Needed) -> pa.Array:
        """Return, for each field, the chunk's rows in the order of its draws."""
        drawn = chunk.rng().standard_normal((chunk.rows, len(self.names))) @ self._root.T
        orders = [pa.array(np.argsort(drawn[:, place])) for place in range(len(self.names))]
        return pa.StructArray.from_arrays(orders, fields=list(self.type))

    @cached_property
    def _root(self) -> NDArray[np.float64]:
        """A matrix that, times its own transpose, gives the correlations of the normal draws.

        A normal pair of correlation r has the rank correlation 6 / pi * asin(r / 2) (Kruskal, 1958).
        """
        matrix = np.eye(len(self.names))
        for (one, other), rank in self.ranks.items():
            place = self.names.index(one), self.names.index(other)
            matrix[place] = matrix[place[::-1]] = 2 * np.sin(np.pi / 6 * rank)
        values, vectors = np.linalg.eigh(matrix)
        require(values[0] > -ROUNDING, f"no {len(self.names)} columns can be correlated like this: lessen the ranks")
        return np.asarray(vectors * np.sqrt(np.maximum(values, 0)))


@dataclass(frozen=True, kw_only=True)
class Correlated(Column):
    """Another column's values, put into the order of a copula's draws.

    Sorting keeps the values what they are, so any distribution may stand there, also one without a formula for its
    quantiles. Within a chunk the ranks are those of the normal draws (Iman and Conover, 1982).
    """

    name: str
    column: Column
    copula: str

    def __post_init__(self) -> None:
        require(not self.column.needs, "depends on other fields and so cannot be put into another order")

    @property
    def type(self) -> pa.DataType:
        return self.column.type

    @property
    def needs(self) -> tuple[str, ...]:
        return (self.copula,)

    @property
    def capacity(self) -> int | None:
        return self.column.capacity

    def make(self, chunk: Chunk, needed: Needed) -> pa.Array:
        order = needed[self.copula].field(self.name).to_numpy()
        rank = np.empty(chunk.rows, dtype=np.int64)
        rank[order] = np.arange(chunk.rows)
        return _ranked(self.column.make(chunk, needed), rank)


def copula_of(pairs: Mapping[str, Mapping[str, float]], known: Sequence[str]) -> Copula:
    """Build the copula of `{field: {other: rank correlation}}`; raise UnknownField and ImpossibleParameters."""
    for name in (*pairs, *(other for row in pairs.values() for other in row)):
        if name not in known:
            raise UnknownField("field", name, known)
    if not any(pairs.values()):
        raise ImpossibleParameters("correlations names no pair of fields")
    return Copula(ranks={(one, other): rank for one, row in pairs.items() for other, rank in row.items()})


def _ranked(values: pa.Array, rank: NDArray[np.int64]) -> pa.Array:
    """Return the value of each row's rank; a choice's values rank in the order of its list."""
    if pa.types.is_dictionary(values.type):
        return pa.DictionaryArray.from_arrays(_ranked(values.indices, rank), values.dictionary)
    if pa.types.is_primitive(values.type) and not values.null_count:
        # NumPy sorts numbers twenty times as fast as Arrow.
        return pa.array(np.sort(values.to_numpy(zero_copy_only=False))[rank]).cast(values.type)
    return values.take(pc.array_sort_indices(values).take(pa.array(rank)))
