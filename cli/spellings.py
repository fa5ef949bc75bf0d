"""Old names of commands, which work for one more release."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

Words = tuple[str, ...]

OLD: Mapping[Words, Words] = {
    ("rehearse",): ("env", "rehearse"),
    ("refresh",): ("env", "refresh"),
    ("preview-comment",): ("env", "preview-comment"),
    ("shell",): ("dev", "shell"),
    ("credits",): ("ledger",),
    ("erase",): ("privacy", "erase"),
    ("export",): ("privacy", "export"),
    ("erasures",): ("privacy", "erasures"),
    ("keys",): ("privacy", "keys"),
    ("archive",): ("events", "archive"),
    ("synth", "fit"): ("data", "fit"),
    ("synth", "compare"): ("data", "compare"),
    ("synth",): ("data", "generate"),
    ("camouflage",): ("decoy",),
}
"""New name by old name. A name comes before its own prefixes."""


def find_old(arguments: Sequence[str]) -> Words | None:
    """Return the old name that the arguments begin with, if any."""
    return next((name for name in OLD if tuple(arguments[: len(name)]) == name), None)


def describe_old(name: Words) -> str:
    """Return the line that tells the new name of a command."""
    return f"`fortress {' '.join(name)}` is now `fortress {' '.join(OLD[name])}`; the old name goes in the next release"
