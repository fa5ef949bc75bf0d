"""Measurements against stated limits, kept with machine and date in `results/`."""

from tools.bench.measurement import Floor, Limit, Measurement, Recorder, Unbounded

__all__ = ["Floor", "Limit", "Measurement", "Recorder", "Unbounded"]
