"""Every check faces good, bad, absent, unknown, wrongly shaped and exempt resources, and its own fix."""

from __future__ import annotations

import copy
import datetime
from collections.abc import Callable, Iterable
from typing import Any

import pytest

from localcloud import contract
from localcloud.contract.problems import select
from policies import Status
from policies.control import Check
from policies.evaluation import Evaluator
from policies.exemptions import Exemption, Exemptions
from policies.registry import everything, is_pattern
from policies.remediation import apply_fix
from tests.policies.cases import Case, Fixture, documents, fixtures, pairs, unmarked, written_cases
from tests.policies.sdk_paths import missing

TODAY = datetime.date(2030, 1, 1)
YESTERDAY = TODAY - datetime.timedelta(days=1)

every_check = pytest.mark.parametrize("check", list(everything()), ids=lambda check: check.control.id)


def of_each_control(chosen: Iterable[Fixture]) -> Callable[[Callable[[Fixture], None]], Any]:
    """Makes of a promise about one fixture a test for each control: by itself each of so many would cost more."""
    by_control: dict[str, list[Fixture]] = {}
    for one in chosen:
        by_control.setdefault(one.check.control.id, []).append(one)

    def decorate(promise: Callable[[Fixture], None]) -> Any:
        def test(fixtures_of_control: list[Fixture]) -> None:
            for fixture in fixtures_of_control:
                promise(fixture)

        test.__name__, test.__doc__ = promise.__name__, promise.__doc__
        return pytest.mark.parametrize("fixtures_of_control", by_control.values(), ids=by_control)(test)

    return decorate


every_fixture = of_each_control(fixtures())
every_fix = of_each_control(fixture for fixture in fixtures() if fixture.check.remedy_for(fixture.type, replacing=True))


def evaluator(exemptions: Exemptions | None = None) -> Evaluator:
    return Evaluator(everything(), TODAY, exemptions=exemptions or Exemptions())


def gets(fixture: Fixture, status: Status, case: Case, what: str = "") -> None:
    result = case.result(fixture.check, evaluator())
    assert result.status is status, f"{fixture.id}: {what} {case.resource.value}: {result.verdict}"


@every_check
def test_a_check_has_fixtures_for_each_of_its_types(check: Check) -> None:
    missed = set(check.types) - documents().get(check.control.id, {}).keys()
    assert not missed, f"add {check.control.id}: {missed} to tests/policies/fixtures"


def test_fixtures_are_for_checks_that_exist() -> None:
    known = {(check.control.id, token) for check, token in pairs()}
    assert {(control, token) for control, types in documents().items() for token in types} <= known


@every_fixture
def test_good_passes(fixture: Fixture) -> None:
    assert fixture.good
    for case in fixture.good:
        gets(fixture, Status.PASS, case)


@every_fixture
def test_bad_fails(fixture: Fixture) -> None:
    assert fixture.bad
    for case in fixture.bad:
        gets(fixture, Status.FAIL, case)


@every_fixture
def test_others_get_the_verdict_that_is_said(fixture: Fixture) -> None:
    assert len(list(fixture.other)) == sum(map(len, fixture.entry.get("other", {}).values()))
    for status, case in fixture.other:
        gets(fixture, status, case)


@every_fixture
def test_what_is_absent_gets_the_verdict_that_is_said(fixture: Fixture) -> None:
    assert list(fixture.absent)
    for path, status, case in fixture.absent:
        gets(fixture, status, case, f"without {path}")


@every_fixture
def test_what_is_unknown_is_not_determinable(fixture: Fixture) -> None:
    for path, status, case in fixture.unknown:
        gets(fixture, status, case, f"with {path} unknown")


@every_fixture
def test_a_wrong_shape_is_not_determinable(fixture: Fixture) -> None:
    for path, status, case in fixture.wrong:
        gets(fixture, status, case, f"with {path} of a wrong shape")


@every_fixture
def test_an_exemption_holds_until_its_last_day(fixture: Fixture) -> None:
    case = fixture.bad[0]

    def until(day: datetime.date) -> Status:
        exemption = Exemption(
            check=fixture.check.control.id, urn=f"*::{case.resource.name}", owner="platform", ticket="LF-1",
            reason="needed until the migration is done", expires=day,
        )  # fmt: skip
        return case.status(fixture.check, evaluator(Exemptions((exemption,))))

    assert until(TODAY) is Status.EXEMPT
    assert until(YESTERDAY) is Status.FAIL


@every_fix
def test_a_fix_makes_bad_good_once_and_for_all(fixture: Fixture) -> None:
    assert fixture.bad
    for case in fixture.bad:
        before = copy.deepcopy(case.resource.value)
        once = apply_fix(fixture.check, case.resource, case.told(fixture.check, evaluator()), replacing=True)
        assert not once.fault, f"{fixture.id}: {case.resource.value}: {once.fault}"
        assert case.resource.value == before, f"{fixture.id}: the fix changed what it was given"
        fix = fixture.check.remedy_for(fixture.type, replacing=True).fix
        assert fix(once.properties) == once.properties


@every_fix
def test_a_fix_replaces_nothing_unless_it_says_so(fixture: Fixture) -> None:
    remedy = fixture.check.remedy_for(fixture.type)
    if remedy is None:
        return  # it says so
    patterns = contract.replaced_by(fixture.type)
    if patterns is None:
        assert fixture.entry.get("replaces_nothing"), (
            f"{fixture.id}: no facts tell what replaces {fixture.type}: say in `replaces_nothing` where it is written"
        )
        return
    for case in fixture.bad:
        after = remedy.fix(case.resource.value)
        for pattern in patterns:
            assert dict(select(pattern, after)) == dict(select(pattern, case.resource.value)), (
                f"{fixture.id}: {pattern}"
            )


@every_check
def test_the_sdk_knows_what_a_check_reads(check: Check) -> None:
    known = [token for token in check.types if not is_pattern(token)]
    assert not [problem for token in known for path in check.reads[token] if (problem := missing(token, path))]


def test_the_sdk_knows_what_fixtures_give() -> None:
    problems = [
        f"{fixture.id}: {problem.path}: {problem.message}"
        for fixture, token, written in written_cases()
        for problem in contract.check(token.partition(":")[0], token, unmarked(written["given"])).problems
        if not problem.message.startswith("missing; ")
    ]
    assert not problems, "\n".join(problems)


@every_fixture
def test_no_check_fails_by_itself(fixture: Fixture) -> None:
    """A fault inside a check would hide as not determinable."""
    cases = [*fixture.good, *fixture.bad, *(case for _, case in fixture.other)]
    cases += [case for _, _, case in [*fixture.absent, *fixture.unknown, *fixture.wrong]]
    assert cases
    for case in cases:
        reason = case.result(fixture.check, evaluator()).found.reason
        assert "itself failed" not in reason, f"{fixture.id}: {case.resource.value}: {reason}"
