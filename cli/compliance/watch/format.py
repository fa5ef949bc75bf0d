"""Records of a watch as lines for people."""

from __future__ import annotations

from policies.watch import AlertDelivered, Finding, Opened, Passed, Record, Resolved, StillOpen


def format_record(record: Record) -> str:
    """Format a record as one plain line."""
    return f"{record.at:%Y-%m-%d %H:%M:%S} UTC  {_format_body(record)}"


def _format_body(record: Record) -> str:
    match record:
        case Opened() | StillOpen():
            found, remedy = _format_finding(record.finding), _format_remedy(record.finding)
            return f"{record.event:<10}  {found}; by {record.by}; {remedy}"
        case Resolved():
            return f"{record.event:<10}  {_format_finding(record.finding)}; now: {record.now}; by {record.by}"
        case Passed():
            return f"{record.event:<10}  {_format_pass(record)}"
        case AlertDelivered():
            return f"{record.event:<10}  the webhook took an alert on {len(record.keys)} findings"
        case _:
            return record.event


def _format_finding(finding: Finding) -> str:
    reason = f": {finding.reason}" if finding.reason else ""
    kind = f"{finding.kind.value}, " if finding.kind.value != "violation" else ""
    return f"{kind}{finding.severity.value}  {finding.control}  {finding.cloud}  {finding.resource}{reason}"


def _format_remedy(finding: Finding) -> str:
    controls = ", ".join(f"{framework} {' '.join(ids)}" for framework, ids in finding.requirements.items() if ids)
    return f"remedy: {finding.remedy}" + (f" ({controls})" if controls else "")


def _format_pass(record: Passed) -> str:
    seconds = (record.at - record.began).total_seconds()
    failed = f"; failed: {', '.join(record.failed)}" if record.failed else ""
    drifted = f"; {len(record.drifted)} drifted" if record.drifted else ""
    return f"{len(record.still_open)} still open; {seconds:.1f} s{drifted}{failed}"
