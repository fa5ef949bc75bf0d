"""Errors of the generator: each says what is wrong, and where."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from difflib import get_close_matches


class SyntheticError(Exception):
    """Any refusal of the generator; `place` names the schema and the field, or the file, that it is about."""

    def __init__(self, what: str, *, place: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.place = place

    def __str__(self) -> str:
        return f"{self.place}: {self.what}" if self.place else self.what


class InvalidSchema(SyntheticError):
    """A schema is not built as schemas are."""


class SchemaCycle(SyntheticError):
    """Fields need one another in a circle, so none can be made first."""

    def __init__(self, circle: Iterable[str], *, place: str = "") -> None:
        super().__init__(f"fields need one another in a circle: {' -> '.join(circle)}", place=place)


class UnknownName(SyntheticError):
    """Something is named that is not there; the nearest known name is offered."""

    def __init__(self, what: str, name: str, known: Iterable[str], *, place: str = "") -> None:
        super().__init__(f"{what} {name!r} is not known{_offer(name, sorted(known))}", place=place)


class UnknownSchema(UnknownName):
    """No schema of that name ships, and no file has that name."""


class NoSchemaFile(SyntheticError):
    """A schema is asked for by a path, and no file is there."""


class UnknownKind(UnknownName):
    """No kind of column has that name."""


class UnknownField(UnknownName):
    """A field refers to another one that the schema does not have."""


class UnknownParameter(UnknownName):
    """The kind of a column has no such parameter."""


class UnknownLocale(UnknownName):
    """There are no names, places or formats for that country."""


class UnknownFormat(UnknownName):
    """No sink writes that format."""


class ImpossibleParameters(SyntheticError):
    """No column can be made of these parameters."""


class WrongCount(SyntheticError):
    """A number of rows, workers or the like is less than it can be."""

    def __init__(self, name: str, count: object, *, least: int, place: str = "") -> None:
        super().__init__(f"{name} is {count}: it must be a whole number, {least} or more", place=place)


class CorpusTooSmall(SyntheticError):
    """A corpus has too little text to learn from."""


class BrokenColumn(SyntheticError):
    """A column made something other than it promised: a fault of its kind, not of the schema."""


class CannotWrite(SyntheticError):
    """Data could not be written whole; nothing is left behind that looks as if it were."""


def require(possible: bool, reason: str) -> None:
    """Raise ImpossibleParameters unless the parameters are possible; the schema adds the place."""
    if not possible:
        raise ImpossibleParameters(reason)


@contextmanager
def placed(place: str) -> Iterator[None]:
    """Add the place to errors raised inside that have none yet."""
    try:
        yield
    except SyntheticError as error:
        error.place = error.place or place
        raise


def _offer(name: str, known: list[str]) -> str:
    near = get_close_matches(name, known, n=1, cutoff=0.5)
    if near:
        return f"; did you mean {near[0]!r}?"
    return f"; known are {', '.join(known)}" if known else ""


class UnreadableSample(SyntheticError):
    """A file holds no records, or not in the format that its name says."""


class EmptySample(SyntheticError):
    """A sample has no rows, so nothing can be said of it."""


class UnfitSample(SyntheticError):
    """No schema can be made of a sample."""


class ColumnsDiffer(SyntheticError):
    """The columns of two samples are not the same ones, or not of the same kind."""

    @classmethod
    def by_name(cls, missing: Iterable[str], extra: Iterable[str], *, place: str) -> ColumnsDiffer:
        """Build the error from the names that only the real or only the synthetic sample has."""
        parts = [
            f"{words} {', '.join(names)}"
            for words, names in (("lacks the columns", list(missing)), ("has alone", list(extra)))
            if names
        ]
        return cls(f"{' and '.join(parts)}: the columns of both samples must be the same", place=place)
