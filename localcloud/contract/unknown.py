"""Values of the engine's wire that plain Python has no word for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal


class Unknown:
    """A value that exists only after the resource it comes from; there is one instance, UNKNOWN."""

    _only: Unknown | None = None

    def __new__(cls) -> Unknown:
        if cls._only is None:
            cls._only = super().__new__(cls)
        return cls._only

    def __repr__(self) -> str:
        return "<unknown>"

    def __deepcopy__(self, memo: object) -> Unknown:
        return self

    def __copy__(self) -> Unknown:
        return self

    def __reduce__(self) -> tuple[type[Unknown], tuple[()]]:
        return (Unknown, ())


UNKNOWN: Final = Unknown()


@dataclass(frozen=True)
class AssetValue:
    """A file or an archive that the engine passes by reference."""

    kind: Literal["asset", "archive"]
    hash: str = ""
    """The engine's hash of its content, so that a changed file is a changed value."""
