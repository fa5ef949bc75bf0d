"""The one decision of which results are violations and which of them block, and the one wording of a violation.

The engine's pack, the report, the comment on a pull request and the command line all render what stands here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from policies.configuration import EXEMPTIONS, Configuration, Level
from policies.evaluation import Result, Results
from policies.verdicts import Severity, Status

SHOWN = 3


def violating(*, strict: bool) -> tuple[Status, ...]:
    """Return the statuses that are violations; under `strict` what cannot be determined is one."""
    return (Status.FAIL, Status.NOT_DETERMINABLE) if strict else (Status.FAIL,)


def describe_violation(
    title: str, status: Status, reason: str, remedy: str, requirements: Mapping[str, Sequence[str]]
) -> str:
    """Say what must hold, what was found instead, what to do, and which requirements that concerns."""
    found = f"cannot be determined: {reason}" if status is Status.NOT_DETERMINABLE else reason
    concerned = "; ".join(f"{framework} {', '.join(ids)}" for framework, ids in requirements.items() if ids)
    return f"{': '.join(filter(None, (title, found)))}. {remedy}" + (f" [{concerned}]" if concerned else "")


def render_violation(control: str, urn: str, description: str) -> str:
    """Return the one line for a terminal: control, resource and description."""
    _, _, types, name = [*urn.split("::", 3), "", "", "", ""][:4]
    place = f"{name} ({types.rpartition('$')[2]})" if name else "the stack"
    return f"{control}: {place}: {' '.join(description.split())}"


@dataclass(frozen=True)
class Violation:
    """One line of the engine's report."""

    policy: str
    level: Level
    message: str
    description: str
    urn: str = ""
    """The resource, or nothing for the stack."""
    severity: Severity | None = None


@dataclass(frozen=True)
class Gate:
    """When a result stops an update."""

    configuration: Configuration
    updating: bool
    """Whether resources are about to be made, so that nothing can be put off any more."""
    framework: str | None = None
    """The only framework whose requirements are named, for the pack of one framework."""

    def violations(self, results: Iterable[Result]) -> Iterator[Violation]:
        """Yield what blocks or warns at its resource."""
        for result in results:
            level = self.configuration.level(result.control)
            if level is not Level.DISABLED and result.status in violating(strict=self.settles):
                yield self._violation(result, level)

    @property
    def settles(self) -> bool:
        """Tell whether what cannot be determined counts as a violation now."""
        return self.updating or self.configuration.pack.strict

    def summary(self, results: Results) -> Iterator[Violation]:
        """Yield what concerns the stack as a whole: what is put off, and exemptions without effect."""
        if not self.settles:
            yield from self._put_off(results)
        level = self.configuration.levels.get(EXEMPTIONS, Level.ADVISORY)
        if level is not Level.DISABLED:
            yield from _report_exemptions(results, level)

    def _violation(self, result: Result, level: Level) -> Violation:
        control, verdict = result.control, result.verdict
        requirements = {name: ids for name, ids in control.maps.items() if self.framework in (None, name)}
        message = describe_violation(control.title, verdict.status, verdict.reason, control.remedy, requirements)
        enforced = Level.MANDATORY if level.blocks else level
        return Violation(control.id, enforced, message, control.title, result.resource.urn, control.severity)

    def _put_off(self, results: Results) -> Iterator[Violation]:
        """Yield one line a control, with the count: a line a resource would bury everything else."""
        undetermined = [
            result
            for result in results.with_status(Status.NOT_DETERMINABLE)
            if self.configuration.level(result.control) is not Level.DISABLED
        ]
        for control, count in Counter(result.control for result in undetermined).items():
            of_control = [result for result in undetermined if result.control == control]
            shown = ", ".join(result.resource.name for result in of_control[:SHOWN]) + (", ..." * (count > SHOWN))
            reason = of_control[0].verdict.reason
            message = f"{count} not determinable yet ({shown}): {reason}. An update settles it."
            yield Violation(control.id, Level.ADVISORY, message, control.title, severity=control.severity)


def _report_exemptions(results: Results, level: Level) -> Iterator[Violation]:
    """Yield those without effect, and in one line those that were needed."""
    for problem in results.problems:
        yield Violation(EXEMPTIONS, level, f"{problem.where}: {problem.message}", "Exemptions")
    exempt = results.with_status(Status.EXEMPT)
    if exempt:
        names = ", ".join(f"{result.control.id} on {result.resource.name}" for result in exempt[:SHOWN])
        more = ", ..." if len(exempt) > SHOWN else ""
        yield Violation(EXEMPTIONS, Level.ADVISORY, f"{len(exempt)} exempt: {names}{more}", "Exemptions")
