"""One measured figure: its samples, median and quartiles, and the limit it is held against."""

from __future__ import annotations

import json
import platform
import statistics
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"


@dataclass(frozen=True)
class Limit:
    """What a figure may be at most."""

    at_most: float
    unit: str


@dataclass(frozen=True)
class Measurement:
    """Samples of one figure."""

    name: str
    limit: Limit
    samples: tuple[float, ...]

    @property
    def median(self) -> float:
        return statistics.median(self.samples)

    @property
    def quartiles(self) -> tuple[float, float]:
        """First and third; both the sample itself where there is only one."""
        if len(self.samples) == 1:
            return self.samples[0], self.samples[0]
        first, _, third = statistics.quantiles(self.samples, n=4, method="inclusive")
        return first, third

    @property
    def met(self) -> bool:
        return self.median <= self.limit.at_most

    def line(self) -> str:
        """One line for people."""
        low, high = self.quartiles
        verdict = "met" if self.met else "MISSED"
        return (
            f"{self.name:<58} {self.median:9.2f} {self.limit.unit:<9} ({low:.2f} to {high:.2f}, n={len(self.samples)})"
            f"  at most {self.limit.at_most:g}: {verdict}"
        )


@dataclass
class Recorder:
    """Collects the measurements of one run and writes them down, even when a later one fails."""

    started: datetime
    folder: Path = RESULTS
    measurements: list[Measurement] = field(default_factory=list)

    def take(self, name: str, limit: Limit, samples: Sequence[float]) -> Measurement:
        """Keep one figure and write the results file anew."""
        measurement = Measurement(name, limit, tuple(samples))
        self.measurements.append(measurement)
        print(measurement.line(), flush=True)
        self._write()
        return measurement

    @property
    def path(self) -> Path:
        return self.folder / f"{self.started:%Y-%m-%d-%H%M}.json"

    def _write(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        document = {
            "date": self.started.isoformat(timespec="minutes"),
            "machine": machine(),
            "measurements": [_shown(measurement) for measurement in self.measurements],
        }
        self.path.write_text(json.dumps(document, indent=1) + "\n")


def machine() -> dict[str, Any]:
    """What was measured on, without the machine's name."""
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
    """The figure, measured that often."""
    return [sample() for _ in range(times)]


def _shown(measurement: Measurement) -> dict[str, Any]:
    low, high = measurement.quartiles
    return {
        **asdict(measurement),
        "samples": [round(sample, 3) for sample in measurement.samples],
        "median": round(measurement.median, 3),
        "quartiles": [round(low, 3), round(high, 3)],
        "met": measurement.met,
    }


def _lines(path: Path) -> list[str]:
    return path.read_text().splitlines() if path.exists() else []


def _first_value(path: Path, key: str) -> str | None:
    return next((line.split(":", 1)[1].strip() for line in _lines(path) if line.startswith(key)), None)
