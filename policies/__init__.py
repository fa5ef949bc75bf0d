"""What must always hold: controls, policy packs, frameworks, exemptions.

What a module of controls needs is here; `policies/README.md` tells how to write one.
"""

from policies.control import Theme, applies_to, applies_to_each, fixed_by, in_stack
from policies.options import Options
from policies.remedies import Fix, Properties, in_turn, sets, with_value
from policies.resource import STACK, Resource
from policies.stack import Stack
from policies.values import Undeterminable, Unknown, WrongShape
from policies.verdicts import (
    CRITICAL,
    HIGH,
    LOW,
    MEDIUM,
    NOT_APPLICABLE,
    PASS,
    Severity,
    Status,
    Verdict,
    fails,
    not_applicable,
    not_determinable,
    passes_if,
)
from policies.view import View

__all__ = [
    "CRITICAL",
    "HIGH",
    "LOW",
    "MEDIUM",
    "NOT_APPLICABLE",
    "PASS",
    "STACK",
    "Fix",
    "Options",
    "Properties",
    "Resource",
    "Severity",
    "Stack",
    "Status",
    "Theme",
    "Undeterminable",
    "Unknown",
    "Verdict",
    "View",
    "WrongShape",
    "applies_to",
    "applies_to_each",
    "fails",
    "fixed_by",
    "in_stack",
    "in_turn",
    "not_applicable",
    "not_determinable",
    "passes_if",
    "sets",
    "with_value",
]
