"""A side of a comparison, by processor time and by wall-clock."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from tools.bench.measurement import Floor, Recorder, Unbounded
from tools.bench.slices import PAIRS, WARM_UPS, paired

T = TypeVar("T")


@dataclass
class Side(Generic[T]):
    """A slice of work, measured in units per second of processor time of this process, all threads."""

    work: Callable[[], T]
    units: Callable[[T], int]
    """Counts what was made, when the clocks stand still."""
    by_wall_clock: list[float] = field(default_factory=list)
    """Units per second of the same slices, also of those that warmed up."""

    def __call__(self) -> float:
        wall, processor = time.perf_counter(), time.process_time()
        made = self.work()
        processor, wall = time.process_time() - processor, time.perf_counter() - wall
        units = self.units(made)
        self.by_wall_clock.append(units / wall)
        return units / processor


def compare(
    recorder: Recorder, name: str, limit: Floor, ours: Side[Any], theirs: Side[Any], *, unit: str, note: str
) -> None:
    """Take the ratio by processor time, which the limit is held against, and beside it that by wall-clock."""
    pairs = paired(ours, theirs)
    recorder.take(
        f"{name} (CPU)",
        limit,
        pairs.ours_by_theirs,
        raw={f"ours {unit}": pairs.ours, f"theirs {unit}": pairs.theirs},
        note=f"{note}; judged by processor time, since the machine may have other work",
    )
    mine, other = (side.by_wall_clock[WARM_UPS:] for side in (ours, theirs))
    recorder.take(
        f"{name} (wall-clock)",
        Unbounded(limit.unit),
        [one / another for one, another in zip(mine, other, strict=True)],
        raw={f"ours {unit}": mine, f"theirs {unit}": other},
    )


def repeated(side: Side[Any], times: int = PAIRS) -> tuple[Sequence[float], Sequence[float]]:
    """Warm up, measure a side `times` times; return its rates by processor time and by wall-clock."""
    found = [side() for _ in range(WARM_UPS + times)]
    return found[WARM_UPS:], side.by_wall_clock[WARM_UPS:]
