"""Records of a watch as lines for people."""

from __future__ import annotations

from policies.watch import AlertDelivered, Finding, Opened, Passed, Record, Resolved, StillOpen


def said(record: Record) -> str:
    """One plain line."""
    return f"{record.at:%Y-%m-%d %H:%M:%S} UTC  {_said(record)}"


def _said(record: Record) -> str:
    match record:
        case Opened() | StillOpen():
            return f"{record.event:<10}  {_found(record.finding)}; by {record.by}; {_wanted(record.finding)}"
        case Resolved():
            return f"{record.event:<10}  {_found(record.finding)}; now: {record.now}; by {record.by}"
        case Passed():
            return f"{record.event:<10}  {_passed(record)}"
        case AlertDelivered():
            return f"{record.event:<10}  the webhook took an alert on {len(record.keys)} findings"
        case _:
            return record.event


def _found(finding: Finding) -> str:
    reason = f": {finding.reason}" if finding.reason else ""
    kind = f"{finding.kind.value}, " if finding.kind.value != "violation" else ""
    return f"{kind}{finding.severity.value}  {finding.control}  {finding.cloud}  {finding.resource}{reason}"


def _wanted(finding: Finding) -> str:
    controls = ", ".join(f"{framework} {' '.join(ids)}" for framework, ids in finding.requirements.items() if ids)
    return f"remedy: {finding.remedy}" + (f" ({controls})" if controls else "")


def _passed(record: Passed) -> str:
    seconds = (record.at - record.began).total_seconds()
    failed = f"; failed: {', '.join(record.failed)}" if record.failed else ""
    drifted = f"; {len(record.drifted)} drifted" if record.drifted else ""
    return f"{len(record.still_open)} still open; {seconds:.1f} s{drifted}{failed}"
