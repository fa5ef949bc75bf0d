"""`make bench`: measure, print a line for each figure, and keep them in `results/`."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from datetime import datetime
from pathlib import Path

from tools.bench import local_environment, setup_time
from tools.bench.measurement import Limit, Recorder

CHECKOUT = Path(__file__).resolve().parents[2]


def measure_fast_tests(recorder: Recorder) -> None:
    """`make test-fast`."""
    started = time.monotonic()
    subprocess.run(["make", "test-fast"], cwd=CHECKOUT, env=os.environ, check=True, stdout=subprocess.DEVNULL)
    recorder.take("make test-fast", Limit(60, "s"), [time.monotonic() - started])


MEASURES = {
    "local": local_environment.measure,
    "preview": local_environment.measure_preview,
    "fast-tests": measure_fast_tests,
    "setup": setup_time.measure,
}


def main() -> int:
    """Run the measures named on the command line, or all; 1 where a limit is missed."""
    parser = argparse.ArgumentParser(prog="python -m tools.bench", description=main.__doc__)
    parser.add_argument("measures", nargs="*", metavar="|".join(MEASURES), help="which to take (default: all)")
    chosen = parser.parse_args().measures or list(MEASURES)
    unknown = sorted(set(chosen) - set(MEASURES))
    if unknown:
        parser.error(f"no measure {', '.join(unknown)}; there are {', '.join(MEASURES)}")
    recorder = Recorder(datetime.now().astimezone())
    for name in chosen:
        MEASURES[name](recorder)
    print(f"kept in {recorder.path.relative_to(CHECKOUT)}")
    return 0 if recorder.all_met else 1


if __name__ == "__main__":
    sys.exit(main())
