"""What a report has that an earlier one had not."""

from __future__ import annotations

from policies.report.model import Report, VerdictEntry


def new_violations(report: Report, base: Report) -> tuple[VerdictEntry, ...]:
    """The violations of the report whose control and resource were no violation before."""
    known = {(one.control, one.urn) for one in base.violations}
    return tuple(one for one in report.violations if (one.control, one.urn) not in known)
