"""A short section in Markdown, for the comment on a pull request."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from policies.report.comparison import new_violations
from policies.report.model import BLOCKING, ControlEntry, Report, VerdictEntry
from policies.severity import Severity
from policies.verdicts import Status

MOST_LINES = 30
"""Of the list of violations; a comment on GitHub holds at most 65,536 characters, and a reader's patience less."""
WORST_FIRST = tuple(reversed(Severity))


def write(report: Report) -> str:
    """All violations."""
    return section(report)


def section(report: Report, base: Report | None = None) -> str:
    """The violations that `base` has not, where it is given, else all; and the figures of each framework."""
    shown = report.violations if base is None else new_violations(report, base)
    blocks = [
        "### Compliance",
        _headline(report, shown, base),
        *_listed(report, shown),
        _table(report),
        _note(report),
    ]
    return "\n\n".join(block for block in blocks if block) + "\n"


def _headline(report: Report, shown: Sequence[VerdictEntry], base: Report | None) -> str:
    figures = report.figures.with_exemptions
    new = "new " if base is not None else ""
    blocking = len({one.fingerprint for one in report.blocking} & {one.fingerprint for one in shown})
    told = f"{counted(len(shown), f'{new}violation')}, {blocking} of them blocking" if shown else f"No {new}violations"
    if base is not None:
        before = len(report.violations) - len(shown)
        gone = len(new_violations(base, report))
        told += f"; {before} that the base has too, {gone} gone"
    if not report.tally.evaluated and not shown:
        told = "Nothing was evaluated"
    return (
        f"**{told}.** Verdicts that pass, of those evaluated: {figures.pass_rate}; determinable: {figures.determinacy}."
    )


def _listed(report: Report, shown: Sequence[VerdictEntry]) -> Iterable[str]:
    """One point a control, worst first, with the resources below it."""
    controls = sorted(
        (one for one in report.controls if any(verdict.control == one.id for verdict in shown)),
        key=lambda one: WORST_FIRST.index(one.severity),
    )
    lines = [line for one in controls for line in _point(one, [v for v in shown if v.control == one.id])]
    if len(lines) > MOST_LINES:
        left = len(shown) - sum(line.startswith("  ") for line in lines[:MOST_LINES])
        lines = [*lines[:MOST_LINES], f"- {left} of {counted(len(shown), 'violation')} are not shown here"]
    if lines:
        yield "\n".join(lines)


def _point(control: ControlEntry, verdicts: Sequence[VerdictEntry]) -> Iterable[str]:
    blocks = ", blocks" if control.level in BLOCKING else ""
    yield f"- **{control.id}** {escaped(control.title)} ({control.severity.value}{blocks}). {escaped(control.remedy)}"
    for one in verdicts:
        said = f": {escaped(one.reason)}" if one.reason else ""
        yield f"  - {_code(one.urn.rpartition('::')[2])} in {one.cloud}{said}"


def _table(report: Report) -> str:
    """The three figures side by side."""
    rows = [
        f"| {one.name} | {one.figures.with_exemptions.coverage} | {one.figures.with_exemptions.pass_rate}"
        f" | {one.figures.with_exemptions.determinacy} | {one.tally.exempt} |"
        for one in report.frameworks
    ]
    head = ["| framework | requirements with evidence | verdicts that pass | determinable | exempt |",
            "|---|---|---|---|---|"]  # fmt: skip
    return "\n".join(head + rows)


def _note(report: Report) -> str:
    parts = []
    if report.tally.not_determinable and not report.strict:
        parts.append(
            f"{counted(report.tally.not_determinable, 'verdict')} not determinable yet: an update settles them."
        )
    exempt = report.of_status(Status.EXEMPT)
    if exempt:
        parts.append(f"{counted(len(exempt), 'verdict')} exempt.")
    parts += [f"Exemption that does not hold: {escaped(f'{one.where}: {one.message}')}."
              for one in report.exemption_problems[:MOST_LINES]]  # fmt: skip
    return f"<sub>{' '.join(parts)}</sub>" if parts else ""


def counted(number: int, noun: str) -> str:
    """A number with its noun."""
    return f"{number} {noun}" + ("" if number == 1 else "s")


def escaped(text: str) -> str:
    """Text that Markdown and HTML take for nothing else, on one line."""
    return re.sub(r"([\\`*_\[\]<>|#@&~])", r"\\\1", " ".join(text.split()))


def _code(text: str) -> str:
    """Text as code: a longer fence where the text holds one itself."""
    fence = "`" * (max((len(run) for run in re.findall("`+", text)), default=0) + 1)
    padding = " " if "`" in text else ""
    return f"{fence}{padding}{' '.join(text.split())}{padding}{fence}"
