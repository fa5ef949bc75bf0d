"""Exemptions: in a file, in code, or as the baseline of an old estate; one rule for when they hold."""

from policies.exemptions.baseline import Baseline, read_baseline, sorted_findings
from policies.exemptions.exemption import Exemption
from policies.exemptions.exemptions import Exemptions, Problem
from policies.exemptions.file import read_exemptions
from policies.exemptions.in_code import exempt, written_on

__all__ = [
    "Baseline",
    "Exemption",
    "Exemptions",
    "Problem",
    "exempt",
    "read_baseline",
    "read_exemptions",
    "sorted_findings",
    "written_on",
]
