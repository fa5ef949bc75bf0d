"""The tests nearest to a line: those that execute it, the most specific first."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import coverage
import pytest

PURE = "not servers and not engine and not full"
PASSED = "LIVING_FORTRESS_PASSED_TESTS"
"""The environment variable that names the file of the passed tests."""


@dataclass(frozen=True)
class Nearest:
    """Which passed tests execute which line, and how long each takes."""

    data: coverage.CoverageData
    seconds: dict[str, float]
    """Duration of each passed test, by node id."""
    sizes: dict[str, int]
    """Number of lines that a test executes: the fewer, the more specific."""

    def select(self, path: Path, line: int, most: int) -> list[str]:
        """Return up to `most` tests of a line; for one that runs on import, the tests of its module."""
        lines = self.data.contexts_by_lineno(str(path))
        found = {name for context in lines.get(line, []) if (name := _test_of(context)) in self.seconds}
        if not found:
            found = {name for contexts in lines.values() for c in contexts if (name := _test_of(c)) in self.seconds}
        return sorted(found, key=lambda name: (self.sizes[name], self.seconds[name], name))[:most]


def measure(checkout: Path, folder: Path, modules: Sequence[str], tests: Sequence[str]) -> Nearest:
    """Run the tests once without any change, and remember which lines each executes."""
    settings, data_file, passed = folder / "settings.ini", folder / "lines", folder / "passed.json"
    if not passed.exists():
        settings.write_text(f"[run]\nparallel = true\ndata_file = {data_file}\ninclude =\n  " + "\n  ".join(modules))
        subprocess.run(
            [
                *(sys.executable, "-m", "pytest", "-q", "-p", "tools.mutants.nearest", "-m", PURE, *tests),
                *("--numprocesses", str(os.cpu_count() or 1), "--dist", "worksteal"),
                *("--cov", f"--cov-config={settings}", "--cov-context=test", "--cov-report="),
            ],
            cwd=checkout,
            env=os.environ | {PASSED: str(passed), "COVERAGE_FILE": str(data_file)},
            check=False,
        )
    data = coverage.CoverageData(str(data_file))
    data.read()
    sizes: dict[str, int] = {}
    for path in data.measured_files():
        for contexts in data.contexts_by_lineno(path).values():
            for context in contexts:
                sizes[_test_of(context)] = sizes.get(_test_of(context), 0) + 1
    return Nearest(data, json.loads(passed.read_text()), sizes)


def _test_of(context: str) -> str:
    return context.rpartition("|")[0]


_seconds: dict[str, float] = {}


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Remember a test that passed."""
    if report.when == "call" and report.passed:
        _seconds[report.nodeid] = report.duration


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Write what passed, from the process that hears of all tests."""
    if not hasattr(session.config, "workerinput") and PASSED in os.environ:
        Path(os.environ[PASSED]).write_text(json.dumps(_seconds))
