"""What a verdict says goes into reports and comments: it holds no secret."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any

import pytest

from policies.evaluation import NO_STACK, Evaluator
from policies.registry import everything
from policies.resource import Resource
from policies.values import SECRET, SIGNATURE
from policies.verdicts import Status

RELEASE = "kubernetes:helm.sh/v3:Release"


def reason(check_id: str, token: str, properties: Mapping[str, Any]) -> str:
    """Why the check fails."""
    evaluator = Evaluator(everything(), datetime.date(2026, 1, 1))
    resource = Resource(urn=f"urn:pulumi:production::shop::{token}::it", type=token, value=properties)
    check = next(one for one in evaluator.registry.for_type(token) if one.id == check_id)
    verdict = evaluator.found(check, resource, NO_STACK)
    assert verdict.status is Status.FAIL
    return verdict.reason


def test_a_password_in_a_url_is_not_shown() -> None:
    release = {"chart": "x", "version": "1.2.3", "repositoryOpts": {"repo": "http://bob:hunter2@charts.example/x"}}
    said = reason("CHG-007/kubernetes", RELEASE, release)
    assert "hunter2" not in said
    assert "charts.example" in said


@pytest.mark.parametrize("kind", ["value", "plaintext"])
def test_what_the_program_marked_as_secret_is_not_shown(kind: str) -> None:
    secret = {SIGNATURE: SECRET, kind: '"hunter22"' if kind == "plaintext" else "hunter22"}
    said = reason("CHG-007/kubernetes", RELEASE, {"chart": "x", "version": secret})
    assert said == "version is [secret]"


def test_a_secret_object_hides_all_texts_in_it() -> None:
    options = {SIGNATURE: SECRET, "value": {"repo": "http://charts.example/hunter22"}}
    said = reason("CHG-007/kubernetes", RELEASE, {"chart": "x", "version": "1.2.3", "repositoryOpts": options})
    assert said == "repositoryOpts.repo is [secret]"
