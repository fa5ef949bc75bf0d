"""Reports: one results model, and writers that make every format from it."""

from policies.report.assembly import Rules, judge
from policies.report.model import Report, Source, new_violations
from policies.report.writers import FORMATS, Format, UnknownFormat, chosen

__all__ = [
    "FORMATS",
    "Format",
    "Report",
    "Rules",
    "Source",
    "UnknownFormat",
    "chosen",
    "judge",
    "new_violations",
]
