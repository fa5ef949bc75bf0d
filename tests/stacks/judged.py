"""A state of ours, judged by each pack as another project would get it: with the options that nobody has changed."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Iterator
from typing import Any

from cli.compliance.rules import EXEMPTIONS
from policies import Status
from policies.evaluation import Results, evaluate
from policies.exemptions import Exemptions, read_exemptions
from policies.frameworks import FRAMEWORKS
from policies.registry import everything
from policies.resource import Resource
from policies.sources import read_state

PACKS = (None, *FRAMEWORKS)
"""The framework of each pack; `fortress` has all controls and none."""
SENTENCE = 40
"""Characters below which a reason explains nothing."""


def faults(document: Any) -> list[str]:
    """What fails, cannot be determined, or is exempt without an explanation, in an exported state."""
    resources = read_state(document)
    written = read_exemptions(EXEMPTIONS)
    return [line for framework in PACKS for line in _faults(_judged(resources, framework, written), framework)]


def _judged(resources: Iterable[Resource], framework: str | None, exemptions: Exemptions) -> Results:
    registry = everything().select(framework=framework)
    return evaluate(resources, registry, today=datetime.date.today(), exemptions=exemptions)


def _faults(results: Results, framework: str | None) -> Iterator[str]:
    pack = framework or "fortress"
    for one in results.with_status(Status.FAIL, Status.NOT_DETERMINABLE):
        yield f"{pack}: {one.control.id} {one.resource.name}: {one.verdict}"
    for one in results.with_status(Status.EXEMPT):
        if one.exemption is None or len(one.exemption.reason) < SENTENCE:
            yield f"{pack}: {one.control.id} {one.resource.name}: exempt, and nobody says why"
    if framework is None:
        yield from (f"{pack}: {one.where}: {one.message}" for one in results.problems)


def passed(document: Any) -> int:
    """How many verdicts of the whole registry are a pass."""
    return len(_judged(read_state(document), None, Exemptions()).with_status(Status.PASS))
