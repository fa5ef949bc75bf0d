"""Measurements against stated limits, kept with machine and date in `results/`."""

from tools.bench.measurement import Limit, Measurement, Recorder

__all__ = ["Limit", "Measurement", "Recorder"]
