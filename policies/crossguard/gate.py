"""From results to what the engine is told: pure, without its protocol."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from policies.crossguard.configuration import Configuration, Level
from policies.evaluation import Result, Results
from policies.severity import Severity
from policies.verdicts import Status

EXEMPTIONS = "exemptions"
"""The name under which exemptions that exempt nothing are reported."""
SHOWN = 3


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

    def violations(self, results: Iterable[Result]) -> Iterator[Violation]:
        """What blocks or warns at its resource."""
        for result in results:
            level = self.configuration.level(result.control)
            if level is Level.DISABLED:
                continue
            if result.status in ((Status.FAIL, Status.NOT_DETERMINABLE) if self.settles else (Status.FAIL,)):
                yield _violation(result, level)

    @property
    def settles(self) -> bool:
        """Whether what cannot be determined counts as a violation now."""
        return self.updating or self.configuration.pack.strict

    def summary(self, results: Results) -> Iterator[Violation]:
        """What is said of the stack as a whole: what is put off, and exemptions that do not hold."""
        if not self.settles:
            yield from self._put_off(results)
        level = self.configuration.levels.get(EXEMPTIONS, Level.ADVISORY)
        if level is not Level.DISABLED:
            yield from _of_exemptions(results, level)

    def _put_off(self, results: Results) -> Iterator[Violation]:
        """One line a control, with the count: a line a resource would bury everything else."""
        open_ = [one for one in results.with_status(Status.NOT_DETERMINABLE)
                 if self.configuration.level(one.control) is not Level.DISABLED]  # fmt: skip
        for control, count in Counter(one.control for one in open_).items():
            of_it = [one for one in open_ if one.control == control]
            shown = ", ".join(one.resource.name for one in of_it[:SHOWN]) + (", ..." if count > SHOWN else "")
            message = f"{count} not determinable yet ({shown}): {of_it[0].verdict.reason}. An update settles it."
            yield Violation(control.id, Level.ADVISORY, message, control.title, severity=control.severity)


def _of_exemptions(results: Results, level: Level) -> Iterator[Violation]:
    """Those that do not hold, and in one line those that were needed."""
    for problem in results.problems:
        yield Violation(EXEMPTIONS, level, f"{problem.where}: {problem.message}", "Exemptions")
    exempt = results.with_status(Status.EXEMPT)
    if exempt:
        names = ", ".join(f"{one.control.id} on {one.resource.name}" for one in exempt[:SHOWN])
        more = ", ..." if len(exempt) > SHOWN else ""
        yield Violation(EXEMPTIONS, Level.ADVISORY, f"{len(exempt)} exempt: {names}{more}", "Exemptions")


def _violation(result: Result, level: Level) -> Violation:
    control = result.control
    parts = [control.title]
    if result.status is Status.NOT_DETERMINABLE:
        parts.append(f"cannot be determined: {result.verdict.reason}")
    elif result.verdict.reason:
        parts.append(result.verdict.reason)
    requirements = "; ".join(f"{framework} {', '.join(ids)}" for framework, ids in control.maps.items())
    message = f"{': '.join(parts)}. {control.remedy}" + (f" [{requirements}]" if requirements else "")
    enforced = Level.MANDATORY if level is Level.REMEDIATE else level
    return Violation(control.id, enforced, message, control.title, result.resource.urn, control.severity)
