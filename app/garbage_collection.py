"""How often Python searches for reference cycles."""

from __future__ import annotations

import gc

YOUNG_OBJECTS = 50_000
"""New objects between two searches: more than the rows of a page create, which hold no cycles."""


def freeze_gc() -> None:
    """Exempt everything loaded so far from the search for cycles, and search rarely.

    Call it once all modules are imported: the search took half of the time that rows take. Objects without cycles are
    freed at once, as always.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS, 20, 20)
