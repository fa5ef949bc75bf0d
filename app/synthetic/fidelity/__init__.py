"""Fidelity: a schema fitted to real data, and how close synthetic data comes to it.

It needs SciPy and scikit-learn, and matplotlib for its page. Generating data imports none of them.
"""

from app.synthetic.errors import ColumnsDiffer, EmptySample, UnreadableSample
from app.synthetic.fidelity.comparing import Comparison, compare
from app.synthetic.fidelity.fitting import Fitted, Options, fit
from app.synthetic.fidelity.samples import Sample, read_sample, sample_of

__all__ = [
    "ColumnsDiffer",
    "Comparison",
    "EmptySample",
    "Fitted",
    "Options",
    "Sample",
    "UnreadableSample",
    "compare",
    "fit",
    "read_sample",
    "sample_of",
]
