"""Applying fixes: only where a check fails, and only where the same check then passes."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass

from policies.control import Check
from policies.evaluation import NO_STACK, Evaluator
from policies.remedies import Properties
from policies.resource import Resource
from policies.values import Undeterminable
from policies.verdicts import Status


@dataclass(frozen=True)
class Applied:
    """One fix that was tried on one resource."""

    check: Check
    properties: Properties
    """The properties after it; those before it where it did not help."""
    fault: str = ""
    """Why it was not applied, or nothing."""


def remediate(
    resource: Resource, evaluator: Evaluator, wanted: Callable[[Check], bool], *, replacing: Callable[[Check], bool]
) -> list[Applied]:
    """Fix what fails and may be fixed, one check after another, each seeing what the ones before it did.

    `wanted` says for which checks, `replacing` for which also with a fix that could replace the resource. What is
    exempt, or cannot be determined, is left alone. A fix counts only once its check passes.
    """
    applied: list[Applied] = []
    for check in evaluator.registry.for_type(resource.type):
        remedy = check.remedy_for(resource.type, replacing=replacing(check))
        if remedy is None or check.over_stack or not wanted(check):
            continue
        if evaluator.judge(check, resource, NO_STACK).status is not Status.FAIL:
            continue
        done = apply_fix(check, resource, evaluator, replacing=replacing(check))
        applied.append(done)
        if not done.fault:
            resource = dataclasses.replace(resource, value=done.properties)
    return applied


def apply_fix(check: Check, resource: Resource, evaluator: Evaluator, *, replacing: bool = False) -> Applied:
    """Return the resource's properties after the check's fix, and whether that helped."""
    remedy = check.remedy_for(resource.type, replacing=replacing)
    if remedy is None:
        return Applied(check, resource.value, "there is no fix")
    try:
        properties = remedy.fix(resource.value)
    except Undeterminable as signal:
        return Applied(check, resource.value, str(signal))
    except Exception as fault:  # a fault of ours must not stop a deployment
        return Applied(check, resource.value, f"the fix itself failed: {type(fault).__name__}: {fault}")
    after = evaluator.found(check, dataclasses.replace(resource, value=properties), NO_STACK)
    if after.status is not Status.PASS:
        return Applied(check, resource.value, f"the fix does not help: {after.reason or after.status.value}")
    return Applied(check, properties)
