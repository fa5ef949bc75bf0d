"""From resources to verdicts: pure, each check once, nothing escapes."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from policies.clouds.credentials import redact
from policies.control import Check, Control
from policies.exemptions import Exemption, Exemptions, Problem, read_notes
from policies.options import Options
from policies.registry import Registry
from policies.resource import Resource
from policies.stack import Stack
from policies.values import Undeterminable, secrets_in
from policies.verdicts import Status, Verdict, not_determinable

OPEN = (Status.FAIL, Status.NOT_DETERMINABLE)
"""The verdicts that an exemption can cover."""


@dataclass(frozen=True)
class Result:
    """What one check says of one resource."""

    check: Check
    resource: Resource
    found: Verdict
    """What the check itself says."""
    exemption: Exemption | None = None
    """The exemption in force that covers it; never set where the check passes."""

    @property
    def control(self) -> Control:
        return self.check.control

    @property
    def verdict(self) -> Verdict:
        """Return the verdict that counts: EXEMPT where an exemption covers what was found."""
        if self.exemption is None:
            return self.found
        return Verdict(Status.EXEMPT, self.exemption.summary)

    @property
    def status(self) -> Status:
        return self.verdict.status


@dataclass(frozen=True)
class Results:
    """All that an evaluation says."""

    results: tuple[Result, ...]
    problems: tuple[Problem, ...] = ()
    """Exemptions that are malformed, expired, or name an unknown check: they exempt nothing."""
    unused: tuple[Exemption, ...] = ()
    """Exemptions in force that nothing needed."""

    def __iter__(self) -> Iterator[Result]:
        return iter(self.results)

    def with_status(self, *statuses: Status) -> tuple[Result, ...]:
        return tuple(result for result in self.results if result.status in statuses)


@dataclass(frozen=True)
class Evaluator:
    """The checks, and by what they are judged."""

    registry: Registry
    today: datetime.date
    options: Mapping[str, Options] = field(default_factory=dict)
    """Each control's options by its id; a control that is not here has its defaults."""
    exemptions: Exemptions = field(default_factory=Exemptions)

    def of_resource(self, resource: Resource) -> list[Result]:
        """Judge one resource by all checks but those over the stack."""
        checks = self.registry.for_type(resource.type)
        return [self.judge(check, resource, NO_STACK) for check in checks if not check.over_stack]

    def of_stack(self, stack: Stack) -> list[Result]:
        """Judge all resources by the checks over the stack."""
        return [
            self.judge(check, resource, stack)
            for resource in stack
            for check in self.registry.for_type(resource.type)
            if check.over_stack
        ]

    def judge(self, check: Check, resource: Resource, stack: Stack) -> Result:
        """One check on one resource; whatever happens inside becomes a verdict."""
        found = self.found(check, resource, stack)
        if found.status not in OPEN:
            return Result(check, resource, found)
        known = self.exemptions.join(read_notes(resource))
        return Result(check, resource, found, known.covering(check.control.id, resource.urn, self.today))

    def found(self, check: Check, resource: Resource, stack: Stack) -> Verdict:
        """Judge by the check alone, before exemptions; the reason never holds a secret."""
        verdict = self._run(check, resource, stack)
        if not verdict.reason:
            return verdict
        return Verdict(verdict.status, redact(verdict.reason, secrets_in(resource.value)))

    def _run(self, check: Check, resource: Resource, stack: Stack) -> Verdict:
        options = self.options.get(check.control.id) or check.control.options()
        try:
            return check(resource, stack, options)
        except Undeterminable as signal:
            return not_determinable(str(signal))
        except Exception as fault:  # a fault of ours must neither stop a deployment nor let a resource pass
            return not_determinable(f"the check itself failed: {type(fault).__name__}: {fault}")


NO_STACK = Stack(())


def evaluate(
    resources: Iterable[Resource],
    registry: Registry,
    *,
    today: datetime.date,
    options: Mapping[str, Options] | None = None,
    exemptions: Exemptions | None = None,
) -> Results:
    """Every check of the registry on every resource that it means."""
    stack = Stack(resources)
    evaluator = Evaluator(registry, today, options or {}, exemptions or Exemptions())
    results = [result for resource in stack for result in evaluator.of_resource(resource)]
    results += evaluator.of_stack(stack)
    return conclude(evaluator, stack, results)


def conclude(evaluator: Evaluator, stack: Stack, results: Iterable[Result]) -> Results:
    """Results with what is to be said of the exemptions that were looked at on the way."""
    results = tuple(results)
    known = evaluator.exemptions.join(*(read_notes(resource) for resource in stack))
    used = {result.exemption for result in results}
    ids = frozenset(control.id for control in evaluator.registry.controls)
    return Results(
        results,
        known.all_problems(evaluator.registry.known_ids, evaluator.today),
        tuple(
            entry
            for entry in known.entries
            if entry.is_active(evaluator.today) and entry.check in ids and entry not in used
        ),
    )
