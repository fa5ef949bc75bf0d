"""The interface between a schema and the kinds of data: what a column must offer."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import TypeAlias

import pyarrow as pa

from app.synthetic.chunks import Chunk

Needed: TypeAlias = Mapping[str, pa.Array]


class Column(ABC):
    """Makes one column, a chunk of rows at a time.

    A kind is a frozen dataclass that derives from this: its fields are the parameters that a schema may give, checked
    by their types and, in `__post_init__`, by `errors.require`. The names `kind` and `nulls` are the schema's own.
    """

    @property
    @abstractmethod
    def type(self) -> pa.DataType:
        """Type of every array that `make` returns; a class attribute `type = pa.string()` will do.

        Values out of a pool are best left a dictionary array: it is cheap to make, and sinks know what to do with it.
        """

    @property
    def needs(self) -> tuple[str, ...]:
        """Fields of the schema, hidden ones too, that must be made first."""
        return ()

    @property
    def capacity(self) -> int | None:
        """How many rows it can make at most; None without a limit."""
        return None

    @abstractmethod
    def make(self, chunk: Chunk, needed: Needed) -> pa.Array:
        """Make the values of the chunk's rows; `needed` holds those of `needs`. Draw only from `chunk.rng`."""


class FromFields(Column):
    """A column that is made of what other fields of the record show; joint draws are none."""


class Joint(Column):
    """A draw that several columns share, so that they agree: which place, which person.

    It never is a field of the record. What it makes is between it and the columns that need it (row numbers of a pool,
    say). One that a column needs and the schema does not list is made with the parameters it has by default.
    """


class Expanding(Joint):
    """A draw that decides how many rows there are: several for each of its subjects, as a person has many payments.

    A schema with one is made by chunks of subjects. The draw comes first, and needs no other column; all others see as
    many rows as it made. A subject's rows are never parted by the end of a chunk, only by the end of the data set.
    """

    @abstractmethod
    def subjects(self, rows: int) -> int:
        """Return how many subjects have about `rows` rows together, 1 or more."""

    @abstractmethod
    def make(self, chunk: Chunk, needed: Needed) -> pa.Array:
        """Make one value for each row of the chunk's subjects: `chunk.rows` counts subjects here."""
