"""What a URN tells: stack, project, type and logical name."""

from __future__ import annotations

from dataclasses import dataclass

PARTS = 4


@dataclass(frozen=True)
class Urn:
    """`urn:pulumi:<stack>::<project>::<parent types>$<type>::<name>`, taken apart."""

    text: str
    stack: str
    project: str
    type: str
    name: str

    @classmethod
    def parse(cls, text: str) -> Urn:
        """The parts of `text`; a ValueError says what is missing."""
        parts = text.split("::", PARTS - 1)
        if len(parts) != PARTS:
            raise ValueError(f"{text!r} is not a URN: expected urn:pulumi:<stack>::<project>::<type>::<name>")
        stack, project, types, name = parts
        return cls(text, stack.rpartition(":")[2], project, types.rpartition("$")[2], name)
