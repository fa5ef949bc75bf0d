"""One measured figure: its samples, median and quartiles, and the limit it is held against."""

from __future__ import annotations

import json
import platform
import re
import statistics
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

RESULTS = Path(__file__).parent / "results"


class Bound(Protocol):
    """The limit of a figure."""

    @property
    def unit(self) -> str: ...

    def admits(self, value: float) -> bool:
        """Return True if a figure keeps the limit."""
        ...


@dataclass(frozen=True)
class Limit:
    """An upper limit."""

    at_most: float
    unit: str

    def admits(self, value: float) -> bool:
        return value <= self.at_most

    def __str__(self) -> str:
        return f"at most {self.at_most:g}"


@dataclass(frozen=True)
class Floor:
    """A lower limit."""

    at_least: float
    unit: str

    def admits(self, value: float) -> bool:
        return value >= self.at_least

    def __str__(self) -> str:
        return f"at least {self.at_least:g}"


@dataclass(frozen=True)
class Unbounded:
    """No promise: the figure helps to understand others."""

    unit: str

    def admits(self, value: float) -> bool:  # noqa: ARG002  any will do
        return True

    def __str__(self) -> str:
        return "for information"


@dataclass(frozen=True)
class Measurement:
    """Samples of one figure, and the raw figures behind them."""

    name: str
    limit: Bound
    samples: tuple[float, ...]
    raw: Mapping[str, Sequence[float]] = field(default_factory=dict)
    note: str = ""

    @property
    def median(self) -> float:
        return statistics.median(self.samples)

    @property
    def quartiles(self) -> tuple[float, float]:
        """Return the first and third quartile; a single sample is both."""
        if len(self.samples) == 1:
            return self.samples[0], self.samples[0]
        first, _, third = statistics.quantiles(self.samples, n=4, method="inclusive")
        return first, third

    @property
    def met(self) -> bool:
        return self.limit.admits(self.median)

    def line(self) -> str:
        """Return one line for people."""
        low, high = self.quartiles
        verdict = "" if isinstance(self.limit, Unbounded) else ": met" if self.met else ": MISSED"
        raw = "".join(f", {name} {statistics.median(values):,.6g}" for name, values in self.raw.items())
        return (
            f"{self.name:<66} {self.median:10.2f} {self.limit.unit:<9}"
            f" ({low:.2f} to {high:.2f}, n={len(self.samples)}{raw})  {self.limit}{verdict}"
        )

    def document(self) -> dict[str, Any]:
        """Return the entry of the results file."""
        low, high = self.quartiles
        return {
            "name": self.name,
            "limit": vars(self.limit),
            "samples": [_short(sample) for sample in self.samples],
            "median": _short(self.median),
            "quartiles": [_short(low), _short(high)],
            "met": self.met,
            **({"raw": {name: _raw(values) for name, values in self.raw.items()}} if self.raw else {}),
            **({"note": self.note} if self.note else {}),
        }


@dataclass(frozen=True)
class Failure:
    """A figure that could not be measured."""

    name: str
    reason: str

    def line(self) -> str:
        """Return one line for people."""
        return f"{self.name:<66}     FAILED: {self.reason}"

    def document(self) -> dict[str, Any]:
        """Return the entry of the results file."""
        return {"name": self.name, "failed": self.reason, "met": False}


@dataclass
class Recorder:
    """Collects the measurements of one run and writes them down, even when a later one fails."""

    started: datetime
    folder: Path = RESULTS
    measurements: list[Measurement] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)

    def take(
        self,
        name: str,
        limit: Bound,
        samples: Sequence[float],
        *,
        raw: Mapping[str, Sequence[float]] | None = None,
        note: str = "",
    ) -> Measurement:
        """Add one figure and rewrite the results file."""
        measurement = Measurement(name, limit, tuple(samples), raw or {}, note)
        self.measurements.append(measurement)
        self._keep(measurement)
        return measurement

    def fail(self, name: str, reason: str) -> None:
        """Record that a figure could not be measured."""
        failure = Failure(name, reason)
        self.failures.append(failure)
        self._keep(failure)

    @property
    def all_met(self) -> bool:
        """Return True if everything was measured and no limit missed."""
        return not self.failures and all(measurement.met for measurement in self.measurements)

    @property
    def path(self) -> Path:
        return self.folder / f"{self.started:%Y-%m-%d-%H%M}.json"

    def _keep(self, last: Measurement | Failure) -> None:
        print(last.line(), flush=True)
        self.folder.mkdir(parents=True, exist_ok=True)
        everything: list[Measurement | Failure] = [*self.measurements, *self.failures]
        document = {
            "date": self.started.isoformat(timespec="minutes"),
            "machine": machine(),
            "measurements": [entry.document() for entry in everything],
        }
        self.path.write_text(to_json(document))


def to_json(document: Mapping[str, Any]) -> str:
    """Return the document as JSON, a list of numbers on one line."""

    def join(numbers: re.Match[str]) -> str:
        return f"[{' '.join(numbers[1].split())}]"

    return re.sub(r"\[\s+((?:-?[\d.e+-]+,?\s+)+)\]", join, json.dumps(document, indent=1)) + "\n"


@contextmanager
def attempted(recorder: Recorder, group: str, row: Callable[..., None]) -> Iterator[None]:
    """Record a failure inside as a row that could not be measured; print how long the row took."""
    started = time.monotonic()
    try:
        yield
    except Exception as problem:
        traceback.print_exc()
        recorder.fail(
            f"{group}: {(row.__doc__ or row.__name__).splitlines()[0]}", f"{type(problem).__name__}: {problem}"
        )
    print(f"  [{group}, {row.__name__}: {time.monotonic() - started:.0f} s]", file=sys.stderr, flush=True)


def machine() -> dict[str, Any]:
    """Describe the machine, without its name."""
    cpu = _first_value(Path("/proc/cpuinfo"), "model name") or platform.processor() or platform.machine()
    memory = _first_value(Path("/proc/meminfo"), "MemTotal")
    cores = sum(line.startswith("processor") for line in _lines(Path("/proc/cpuinfo")))
    return {
        "cpu": cpu,
        "cores": cores,
        "memory": memory,
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
    }


def repeated(times: int, sample: Callable[[], float]) -> list[float]:
    """Return the samples of `times` measurements."""
    return [sample() for _ in range(times)]


def _short(value: float) -> float:
    return round(value, 3 if abs(value) < 1000 else 1)


def _raw(values: Sequence[float]) -> dict[str, Any]:
    return {"median": _short(statistics.median(values)), "samples": [_short(value) for value in values]}


def _lines(path: Path) -> list[str]:
    return path.read_text().splitlines() if path.exists() else []


def _first_value(path: Path, key: str) -> str | None:
    return next((line.split(":", 1)[1].strip() for line in _lines(path) if line.startswith(key)), None)
