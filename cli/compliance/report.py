"""The work of `fortress compliance report`: read, judge, write."""

from __future__ import annotations

import datetime
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from cli.compliance.gate import PolicyViolations
from cli.compliance.input import ForeignState, Input, from_file, from_stack, preview_input
from cli.compliance.rules import BadExemptions, RuleFiles, read_rules
from cli.shared.options import LOCAL
from cli.shared.output import align_columns
from localcloud.sandbox import CHECKOUT, write_atomically
from policies.configuration import BadConfiguration
from policies.frameworks import BadFramework
from policies.report import FORMATS, Format, Report, UnknownFormat, chosen, judge
from policies.report.model import FrameworkEntry
from policies.report.writers import markdown
from policies.report.writers.markdown import WORST_FIRST, count
from policies.sources import Unreadable
from stacks.invalid_settings import InvalidSettings

FOLDER = CHECKOUT / "build" / "compliance"
READABLE = 0o644
MOST_SHOWN = 20
VIOLATION, NOT_JUDGED = 1, 3
NOTHING = "nothing was evaluated: no check could judge anything that is there"


class ConflictingOptions(Exception):
    """Two options exclude each other."""


class BadTerms(Exception):
    """The terms of a baseline say nothing, or end before they begin."""


class CannotWrite(Exception):
    """The reports or the baseline cannot be written."""


@dataclass(frozen=True)
class Wanted:
    """The input that the command line names."""

    env: str | None
    state: Path | None = None
    preview: bool = False
    real: bool = False

    def read(self) -> Input:
        """Read the resources and their source.

        Raises ConflictingOptions, Unreadable, ForeignState, and what the engine and the settings raise.
        """
        if self.state is not None:
            if self.preview or self.real:
                raise ConflictingOptions("--state names a file, so neither --preview nor --real can be meant too")
            return from_file(self.state, self.env)
        return from_stack(self.env or LOCAL, real=self.real, preview=self.preview)


def bad_input() -> tuple[type[Exception], ...]:
    """Return the errors that mean bad input."""
    return (
        BadConfiguration,
        BadExemptions,
        BadFramework,
        BadTerms,
        CannotWrite,
        ConflictingOptions,
        ForeignState,
        InvalidSettings,
        UnknownFormat,
        Unreadable,
    )


def formats(names: Iterable[str]) -> tuple[Format, ...]:
    """Return the named formats; raises UnknownFormat."""
    return chosen(names)


def report(wanted: Wanted, files: RuleFiles, *, at: datetime.datetime) -> Report:
    """Make the report as of a moment; read the rules first, to report a wrong file before a long preview."""
    read_rules(files, own=True)
    found = wanted.read()
    return judge(found.resources, read_rules(files, own=found.ours), found.source, at)


@dataclass(frozen=True)
class JudgedPreview:
    """A judged preview, for the comment on a pull request."""

    now: Report
    base: Report | None
    """The report on what is deployed already, if anything is."""

    @classmethod
    def of(cls, document: Mapping[str, Any], *, strict: bool = False, at: datetime.datetime | None = None) -> Self:
        """Judge the JSON of a preview; raises Unreadable."""
        at = at or datetime.datetime.now(datetime.UTC)
        found = preview_input(document, json.dumps(document), engine="", simulated=True)
        rules = read_rules(RuleFiles(strict=strict), own=found.ours)
        base = judge(found.base, rules, found.source, at) if found.base else None
        return cls(judge(found.resources, rules, found.source, at), base)

    @property
    def section(self) -> str:
        """Return the comment's section: violations that are new against what is deployed."""
        return markdown.section(self.now, self.base)

    def stop(self) -> None:
        """Raise PolicyViolations where the policies would stop the update, for old violations as for new ones."""
        if self.now.blocking:
            raise PolicyViolations(self.now.blocking_lines, VIOLATION)


def write(report: Report, wanted: Sequence[Format], out: Path | None, *, only_named: bool) -> Path | None:
    """Write the files and delete other formats of an earlier report; write none if only JSON was requested."""
    if out is None and only_named:
        return None
    folder = out or FOLDER / _name_folder(report)
    texts = {text.file: text.write(report) for text in wanted}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in texts.items():
            write_atomically(folder / name, text, mode=READABLE)
        for name in {format_.file for format_ in FORMATS.values()} - texts.keys():
            (folder / name).unlink(missing_ok=True)
    except OSError as error:
        raise CannotWrite(f"{folder}: {error.strerror}") from None
    return folder


def _name_folder(report: Report) -> str:
    """Name the folder of an environment, or of a stack of another project."""
    source = report.source
    names = (source.environment,) if source.environment else (source.project, source.stack)
    return ".".join(re.sub(r"[^A-Za-z0-9_-]+", "-", name or "unknown") for name in names)


def status(report: Report) -> int:
    """Return the exit status; a report in which nothing was evaluated is not clean."""
    if report.blocking:
        return VIOLATION
    return 0 if report.figures.evaluated else NOT_JUDGED


def as_json(report: Report) -> str:
    """Return the JSON report."""
    return FORMATS["json"].write(report)


def summary(report: Report, folder: Path | None) -> str:
    """Summarize for people: the input, the figures, the worst violations, and the folder of the files."""
    head = ("framework", "requirements with evidence", "verdicts that pass", "determinable", "exempt")
    rows = [row for framework in report.frameworks for row in _make_rows(framework)]
    lines = [
        f"Looked at {report.source.origin}{_format_age(report)}: {report.resources_seen} resources, {report.tally}",
        "",
        *align_columns(head, rows),
        "",
        *_list_violations(report),
        *(f"exemption without effect: {problem.where}: {problem.message}" for problem in report.exemption_problems),
    ]
    if folder:
        lines.append(f"The reports are in {folder}")
    return "\n".join(lines) + "\n"


def _make_rows(framework: FrameworkEntry) -> Iterable[tuple[str, ...]]:
    """Yield a row with the three figures, and a second one where exemptions make a difference."""
    both = framework.figures
    rows = [(framework.name, both.with_exemptions, framework.tally.exempt)]
    if both.differ:
        rows.append(("  without exemptions", both.without_exemptions, 0))
    for name, figures, exempt in rows:
        yield name, str(figures.coverage), str(figures.pass_rate), str(figures.determinacy), str(exempt)


def _format_age(report: Report) -> str:
    """Format the date of the state, for the program may have changed since."""
    return f" of {report.source.taken:%Y-%m-%d %H:%M} UTC" if report.source.taken else ""


def _describe_no_violations(report: Report) -> str:
    """Say that there are none, and how many verdicts are open: those could be violations."""
    if not report.figures.evaluated:
        return "No data: nothing was evaluated."
    if report.tally.not_determinable:
        return f"No violations found, but {count(report.tally.not_determinable, 'verdict')} could not be determined."
    return "No violations found."


def _list_violations(report: Report) -> Iterable[str]:
    if not report.violations:
        yield _describe_no_violations(report)
        return
    controls = {control.id: control for control in report.controls}
    names = {resource.urn: resource.name for resource in report.resources}
    ordered = sorted(report.violations, key=lambda verdict: WORST_FIRST.index(controls[verdict.control].severity))
    rows = [
        (verdict.control, controls[verdict.control].severity.value, verdict.cloud, names[verdict.urn],
         verdict.reason or controls[verdict.control].title)
        for verdict in ordered[:MOST_SHOWN]
    ]  # fmt: skip
    yield f"{count(len(ordered), 'violation')}, {len(report.blocking)} of them blocking:"
    yield from align_columns(("control", "severity", "cloud", "resource", "found"), rows)
    if len(ordered) > MOST_SHOWN:
        yield f"and {len(ordered) - MOST_SHOWN} more in the reports"
    yield ""
