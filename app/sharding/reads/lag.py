"""How old the data of a standby may be, told from positions alone. Pure."""

from __future__ import annotations

import math
from collections import deque

SAMPLES = 512
"""How many looks at the primary are remembered; a standby that is further behind counts as infinitely old."""


class LagClock:
    """When the primary's log was where.

    A standby that has replayed what the primary had at some moment shows everything until then. So its age needs no
    clock but ours, and an idle primary, whose last transaction is long ago, makes no standby look old.
    """

    def __init__(self, samples: int = SAMPLES) -> None:
        self._seen: deque[tuple[float, int]] = deque(maxlen=samples)

    def saw(self, lsn: int, at: float) -> None:
        """The primary's log was at `lsn` at the moment `at`, not before the last one."""
        if self._seen and lsn < self._seen[-1][1]:
            self._seen.clear()  # another primary, whose log is shorter: what was seen before means nothing
        self._seen.append((at, lsn))

    def fresh_until(self, replayed: int) -> float:
        """The last moment whose data a standby at `replayed` has for certain; minus infinity where none is known."""
        return next((at for at, lsn in reversed(self._seen) if lsn <= replayed), -math.inf)
