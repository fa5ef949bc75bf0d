"""`make bench`: measure, print a line for each figure, and keep them in `results/`."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from datetime import datetime
from pathlib import Path

from tools.bench import compliance_watch, local_environment, policies, setup_time
from tools.bench.data_plane import run as data_plane
from tools.bench.measurement import Limit, Recorder
from tools.bench.synthetic import run as synthetic

CHECKOUT = Path(__file__).resolve().parents[2]


def measure_fast_tests(recorder: Recorder) -> None:
    """`make test-fast`."""
    started = time.monotonic()
    subprocess.run(["make", "test-fast"], cwd=CHECKOUT, env=os.environ, check=True, stdout=subprocess.DEVNULL)
    recorder.take("make test-fast", Limit(45, "s"), [time.monotonic() - started])


MEASURES = {
    "local": local_environment.measure,
    "preview": local_environment.measure_preview,
    "policies": policies.measure,
    "compliance-watch": compliance_watch.measure,
    "fast-tests": measure_fast_tests,
    "setup": setup_time.measure,
}
PARTS = {"data-plane": data_plane.ROWS, "synthetic": synthetic.ROWS}
"""Names for all rows of a part, of which each may be named too."""
TAKERS = (
    *((name, data_plane.measure) for name in data_plane.ROWS),
    *((name, synthetic.measure) for name in (*synthetic.ROWS, *synthetic.ON_DEMAND)),
)
KNOWN = (*MEASURES, *PARTS, *dict(TAKERS))


def main() -> int:
    """Run the measures named on the command line, or all; 1 where a limit is missed."""
    parser = argparse.ArgumentParser(prog="python -m tools.bench", description=main.__doc__)
    parser.add_argument("measures", nargs="*", metavar="|".join(KNOWN), help="which to take (default: all)")
    asked = parser.parse_args().measures or [*MEASURES, *PARTS]
    chosen = [name for measure in asked for name in PARTS.get(measure, [measure])]
    unknown = sorted(set(chosen) - set(KNOWN))
    if unknown:
        parser.error(f"no measure {', '.join(unknown)}; there are {', '.join(KNOWN)}")
    recorder = Recorder(datetime.now().astimezone())
    for name in chosen:
        if name in MEASURES:
            MEASURES[name](recorder)
    for take in (data_plane.measure, synthetic.measure):
        if rows := [name for name in chosen if dict(TAKERS).get(name) is take]:
            take(rows, recorder)
    print(f"kept in {recorder.path.relative_to(CHECKOUT)}")
    return 0 if recorder.all_met else 1


if __name__ == "__main__":
    sys.exit(main())
