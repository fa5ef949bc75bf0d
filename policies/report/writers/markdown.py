"""A short section in Markdown, for the comment on a pull request."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence

from policies.report.figures import Figures
from policies.report.model import ControlEntry, Report, VerdictEntry, new_violations
from policies.verdicts import Severity, Status

MOST_CHARACTERS = 16_000
"""Of the whole section; a comment on GitHub holds at most 65,536 characters, and a reader's patience less."""
MOST_CONTROLS = 12
MOST_RESOURCES = 5
"""Of one control: the others have the same remedy."""
MOST_PROBLEMS = 5
LONGEST = 200
"""Of a name, and of what was found."""
WORST_FIRST = tuple(reversed(Severity))
JOINER = "\N{WORD JOINER}"


def write(report: Report) -> str:
    """Write the section on all violations."""
    return section(report)


def section(report: Report, base: Report | None = None) -> str:
    """Write the violations that `base` lacks, where it is given, else all; and the figures of each framework."""
    shown = report.violations if base is None else new_violations(report, base)
    blocks = [
        "### Compliance",
        _write_headline(report, shown, base),
        *_list_violations(report, shown),
        _write_table(report),
        _write_note(report),
    ]
    return "\n\n".join(block for block in blocks if block) + "\n"


def _write_headline(report: Report, shown: Sequence[VerdictEntry], base: Report | None) -> str:
    new = "new " if base is not None else ""
    blocking = len({verdict.fingerprint for verdict in report.blocking} & {verdict.fingerprint for verdict in shown})
    told = f"{count(len(shown), f'{new}violation')}, {blocking} of them blocking"
    if not shown:
        told = f"No {new}violations found" if report.figures.evaluated else "Nothing was evaluated"
    if base is not None:
        before = len(report.violations) - len(shown)
        gone = len(new_violations(base, report))
        told += f"; {before} that the base has too, {gone} gone"
    if report.tally.not_determinable and not report.strict:
        told += f"{', ' if base is None else '; '}{count(report.tally.not_determinable, 'verdict')} not determinable"
    return f"**{told}.**"


def _list_violations(report: Report, shown: Sequence[VerdictEntry]) -> Iterable[str]:
    """List one point a control, worst first, with the resources below it, as far as there is room."""
    by_control: dict[str, list[VerdictEntry]] = defaultdict(list)
    for verdict in shown:
        by_control[verdict.control].append(verdict)
    controls = sorted(
        (control for control in report.controls if control.id in by_control),
        key=lambda one: WORST_FIRST.index(one.severity),
    )
    lines = [line for control in controls[:MOST_CONTROLS] for line in _write_control(control, by_control[control.id])]
    left = [control.id for control in controls[MOST_CONTROLS:]]
    if left:
        violations = count(sum(len(by_control[id_]) for id_ in left), "more violation")
        lines.append(f"- {violations} of {count(len(left), 'more control')} are in the report")
    if lines:
        yield "\n".join(lines)


def _write_control(control: ControlEntry, verdicts: Sequence[VerdictEntry]) -> Iterable[str]:
    blocks = ", blocks" if control.level.blocks else ""
    yield f"- **{control.id}** {escape(control.title)} ({control.severity.value}{blocks}). {escape(control.remedy)}"
    for verdict in verdicts[:MOST_RESOURCES]:
        said = f": {escape(shorten(verdict.reason))}" if verdict.reason else ""
        yield f"  - {code(shorten(verdict.urn.rpartition('::')[2]))} in {verdict.cloud}{said}"
    if len(verdicts) > MOST_RESOURCES:
        yield f"  - and {len(verdicts) - MOST_RESOURCES} more"


def _write_table(report: Report) -> str:
    """Return the three figures side by side; a second line where exemptions make a difference."""
    rows = []
    for framework in report.frameworks:
        rows.append(_write_row(framework.name, framework.figures.with_exemptions, framework.tally.exempt))
        if framework.figures.differ:
            rows.append(_write_row(f"{framework.name}, without exemptions", framework.figures.without_exemptions, 0))
    head = ["| framework | requirements with evidence | verdicts that pass | determinable | exempt |",
            "|---|---|---|---|---|"]  # fmt: skip
    return "\n".join(head + rows)


def _write_row(name: str, figures: Figures, exempt: int) -> str:
    return f"| {name} | {figures.coverage} | {figures.pass_rate} | {figures.determinacy} | {exempt} |"


def _write_note(report: Report) -> str:
    parts = []
    if report.tally.not_determinable and report.source.kind == "preview":
        parts.append("An update settles undetermined verdicts before it creates the resource.")
    exempt = report.of_status(Status.EXEMPT)
    if exempt:
        parts.append(f"{count(len(exempt), 'verdict')} exempt.")
    problems = report.exemption_problems
    parts += [f"Exemption that does not hold: {escape(shorten(f'{problem.where}: {problem.message}'))}."
              for problem in problems[:MOST_PROBLEMS]]  # fmt: skip
    if len(problems) > MOST_PROBLEMS:
        parts.append(f"{len(problems) - MOST_PROBLEMS} more exemptions do not hold.")
    return f"<sub>{' '.join(parts)}</sub>" if parts else ""


def count(number: int, noun: str) -> str:
    """Return a number with its noun."""
    return f"{number} {noun}" + ("" if number == 1 else "s")


def shorten(text: str) -> str:
    """Return the text on one line, cut to a length that people read."""
    line = " ".join(text.split())
    return line if len(line) <= LONGEST else f"{line[: LONGEST - 1]}\N{HORIZONTAL ELLIPSIS}"


def escape(text: str) -> str:
    """Escape text for Markdown and HTML, on one line, so that it mentions nobody.

    GitHub looks for people, issues and addresses after Markdown is done, so a backslash keeps none of them away;
    a joiner that nobody sees does.
    """
    line = re.sub(r"([\\`*_\[\]<>|~&#@])", r"\\\1", " ".join(text.split()))
    return re.sub(r"(?<=[#@])(?=\w)|(?<=\bwww)(?=\.)|(?<=\bGH)(?=-\d)|(?<=\w)(?=://)", JOINER, line)


def code(text: str) -> str:
    """Format text as code, with a longer fence where the text holds one itself."""
    fence = "`" * (max((len(run) for run in re.findall("`+", text)), default=0) + 1)
    padding = " " if "`" in text else ""
    return f"{fence}{padding}{' '.join(text.split())}{padding}{fence}"
