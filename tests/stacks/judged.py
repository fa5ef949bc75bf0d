"""Judge a state of ours by each pack with its default options, as another project would get it."""

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
"""The framework of each pack; None is `fortress`, which has all controls."""
SENTENCE = 40
"""Fewest characters of a reason that explains something."""


def faults(document: Any) -> list[str]:
    """Return what fails, is undetermined, or is exempt without an explanation, in an exported state."""
    resources = read_state(document)
    written = read_exemptions(EXEMPTIONS)
    return [line for framework in PACKS for line in _list_faults(_judge(resources, framework, written), framework)]


def _judge(resources: Iterable[Resource], framework: str | None, exemptions: Exemptions) -> Results:
    registry = everything().select(framework=framework)
    return evaluate(resources, registry, today=datetime.date.today(), exemptions=exemptions)


def _list_faults(results: Results, framework: str | None) -> Iterator[str]:
    pack = framework or "fortress"
    for result in results.with_status(Status.FAIL, Status.NOT_DETERMINABLE):
        yield f"{pack}: {result.control.id} {result.resource.name}: {result.verdict}"
    for one in results.with_status(Status.EXEMPT):
        if one.exemption is None or len(one.exemption.reason) < SENTENCE:
            yield f"{pack}: {one.control.id} {one.resource.name}: exempt without an explanation"
    if framework is None:
        yield from (f"{pack}: {problem.where}: {problem.message}" for problem in results.problems)


def count_passes(document: Any) -> int:
    """Return the number of passes under all controls."""
    return len(_judge(read_state(document), None, Exemptions()).with_status(Status.PASS))
