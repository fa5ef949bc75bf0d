"""Constants, row numbers, identifiers and choices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from app.synthetic.chunks import Chunk
from app.synthetic.columns import Column, FromFields, Needed
from app.synthetic.digits import uuids
from app.synthetic.errors import ImpossibleParameters, require
from app.synthetic.numbers.weights import Weights

Scalar: TypeAlias = bool | int | float | str


@dataclass(frozen=True, kw_only=True)
class Constant(Column):
    """The same value in every row."""

    value: Scalar

    @cached_property
    def type(self) -> pa.DataType:
        return self._pool.type if not isinstance(self.value, str) else pa.dictionary(pa.int32(), pa.string())

    def make(self, chunk: Chunk, needed: Needed) -> pa.Array:
        if isinstance(self.value, str):
            return pa.DictionaryArray.from_arrays(np.zeros(chunk.rows, dtype=np.int32), self._pool)
        return pa.repeat(self._pool[0], chunk.rows)

    @cached_property
    def _pool(self) -> pa.Array:
        return pool_of([self.value])


@dataclass(frozen=True, kw_only=True)
class Sequential(Column):
    """Whole numbers that count up with the rows."""

    start: int = 1
    step: int = 1

    type = pa.int64()

    def __post_init__(self) -> None:
        require(self.step != 0, "step is 0: all numbers would be the same")
        require(abs(self.start) < 1 << 62 and abs(self.step) < 1 << 20, "start must be within 62 bits, step within 20")

    def make(self, chunk: Chunk, needed: Needed) -> pa.Array:
        return pa.array(self.start + self.step * chunk.numbers())


@dataclass(frozen=True, kw_only=True)
class Uuid(Column):
    """Random identifiers of version 4 (RFC 9562), in their text form."""

    type = pa.string()

    def make(self, chunk: Chunk, needed: Needed) -> pa.Array:
        return uuids(chunk.rng(), chunk.rows)


@dataclass(frozen=True, kw_only=True)
class Boolean(Column):
    """True as often as `share` says."""

    share: float = 0.5

    type = pa.bool_()

    def __post_init__(self) -> None:
        require(0 <= self.share <= 1, f"share is {self.share}: it goes from 0 to 1")

    def make(self, chunk: Chunk, needed: Needed) -> pa.Array:
        return pa.array(chunk.rng().random(chunk.rows) < self.share)


@dataclass(frozen=True, kw_only=True)
class Choice(Column):
    """One of the values; those of a mapping are weighted. All must be of one type."""

    values: Mapping[Scalar, float] | Sequence[Scalar]
    unique: bool = False
    """Each value at most once; then there are no weights."""

    def __post_init__(self) -> None:
        require(len(self.values) > 0, "values is empty: there is nothing to choose from")
        require(not self.unique or not isinstance(self.values, Mapping), "unique values cannot have weights")
        _ = self._pool, self._weights

    @cached_property
    def type(self) -> pa.DataType:
        return pa.dictionary(pa.int32(), pa.string()) if pa.types.is_string(self._pool.type) else self._pool.type

    @property
    def capacity(self) -> int | None:
        return len(self._pool) if self.unique else None

    def make(self, chunk: Chunk, needed: Needed) -> pa.Array:
        return taken(self._pool, self._indices(chunk))

    def _indices(self, chunk: Chunk) -> pa.Array:
        if self.unique:
            return pa.array(chunk.distinct(len(self._pool)).astype(np.int32))
        if self._weights is None:
            return pa.array(chunk.rng().integers(0, len(self._pool), chunk.rows, dtype=np.int32))
        return pa.array(self._weights.draw(chunk.rng(), chunk.rows))

    @cached_property
    def _pool(self) -> pa.Array:
        return pool_of(list(self.values))

    @cached_property
    def _weights(self) -> Weights | None:
        return Weights(list(self.values.values())) if isinstance(self.values, Mapping) else None


@dataclass(frozen=True, kw_only=True)
class Lookup(FromFields):
    """A look-up of another field's value in a table, such as the currency of a country."""

    field: str
    table: Mapping[Scalar, Scalar]
    otherwise: Scalar | None = None
    """For values that the table does not have; None leaves them out."""

    def __post_init__(self) -> None:
        require(len(self.table) > 0, "table is empty: there is nothing to look up")
        _ = self._keys, self._pool

    @cached_property
    def type(self) -> pa.DataType:
        return pa.dictionary(pa.int32(), pa.string()) if pa.types.is_string(self._pool.type) else self._pool.type

    @property
    def needs(self) -> tuple[str, ...]:
        return (self.field,)

    def make(self, chunk: Chunk, needed: Needed) -> pa.Array:
        found = self._found(needed[self.field])
        return taken(self._pool, found if self.otherwise is None else pc.fill_null(found, len(self.table)))

    def _found(self, values: pa.Array) -> pa.Array:
        if pa.types.is_dictionary(values.type):
            return self._found(values.dictionary).take(values.indices)
        try:
            keys = self._keys.cast(values.type)
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
            raise ImpossibleParameters(
                f"table's keys are not of the type of field {self.field}, {values.type}"
            ) from None
        return pc.index_in(values, value_set=keys).cast(pa.int32())

    @cached_property
    def _keys(self) -> pa.Array:
        return pool_of(list(self.table))

    @cached_property
    def _pool(self) -> pa.Array:
        return pool_of([*self.table.values(), *([] if self.otherwise is None else [self.otherwise])])


def pool_of(values: Sequence[Scalar]) -> pa.Array:
    """Return the values as an array of one type; raise ImpossibleParameters."""
    try:
        return pa.array(values)
    except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError):
        raise ImpossibleParameters(f"values must all be of one type, not {values!r:.100}") from None


def taken(pool: pa.Array, indices: pa.Array) -> pa.Array:
    """Take values of a pool by index; strings become a dictionary array."""
    return pa.DictionaryArray.from_arrays(indices, pool) if pa.types.is_string(pool.type) else pool.take(indices)


KINDS: Mapping[str, type[Column]] = {
    "constant": Constant,
    "sequence": Sequential,
    "uuid": Uuid,
    "boolean": Boolean,
    "choice": Choice,
    "lookup": Lookup,
}
