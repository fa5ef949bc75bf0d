"""Exemptions: in a file, in code, or as the baseline of an old estate; one rule for when they hold."""

from policies.exemptions.exemption import Exemption, Exemptions, Problem
from policies.exemptions.files import Baseline, read_baseline, read_exemptions, sorted_findings
from policies.exemptions.in_code import exempt, read_notes

__all__ = [
    "Baseline",
    "Exemption",
    "Exemptions",
    "Problem",
    "exempt",
    "read_baseline",
    "read_exemptions",
    "read_notes",
    "sorted_findings",
]
