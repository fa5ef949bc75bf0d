"""What fitting and comparing refuse."""

from __future__ import annotations

from collections.abc import Iterable

from app.synthetic.errors import SyntheticError


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
        """Names that the real sample alone has, and those that the synthetic one alone has."""
        parts = [
            f"{words} {', '.join(names)}"
            for words, names in (("lacks the columns", list(missing)), ("has alone", list(extra)))
            if names
        ]
        return cls(f"{' and '.join(parts)}: the columns of both samples must be the same", place=place)
