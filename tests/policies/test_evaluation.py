"""From resources to verdicts, and fixes: whatever happens inside a check, something true comes out."""

from __future__ import annotations

import datetime
from typing import Any

import pytest

from policies import (
    HIGH,
    NOT_APPLICABLE,
    PASS,
    Options,
    Resource,
    Stack,
    Status,
    Theme,
    Verdict,
    applies_to,
    fails,
    fixed_by,
    in_stack,
    passes_if,
    sets,
)  # fmt: skip
from policies.control import Check
from policies.evaluation import Evaluator, evaluate
from policies.exemptions import Exemption, Exemptions, Problem, exempt
from policies.registry import Registry, everything
from policies.remediation import remediate
from policies.remedies import with_value
from policies.resource import drop_api_version, normalize_type
from policies.values import SECRET, SIGNATURE, UNKNOWNS, Unknown, WrongShape

TODAY = datetime.date(2030, 1, 1)
UNKNOWN = min(UNKNOWNS)
control = Theme("testing", "Testing").control


def resource(name: str = "a", token: str = "aws:x:X", **properties: Any) -> Resource:
    return Resource(value=properties, urn=f"urn:pulumi:test::shop::{token}::{name}", type=token)


def check(judge: Any, *decorators: Any, id_: str = "T-1", options: type[Options] = Options) -> Check:
    for decorator in (*decorators, applies_to("aws:x:X", reads=["size"])):
        judge = decorator(judge)
    made = control(
        id_, title="Small", severity=HIGH, maps={"soc2": ["CC6.1"]}, remedy="Make it small.", options=options
    )
    return made(judge)


def small(one: Resource) -> Verdict:
    return passes_if(one.number("size") < 10, f"size is {one.number('size')}")


def statuses(registry: list[Check], *resources: Resource, **more: Any) -> list[Status]:
    return [one.status for one in evaluate(resources, Registry(registry), today=TODAY, **more)]


def test_each_check_gives_one_verdict_for_each_of_its_resources() -> None:
    other = resource("other", "aws:y:Y", size=1)
    assert statuses([check(small)], resource(size=1), resource("b", size=99), resource("c", size=UNKNOWN), other) == [
        Status.PASS, Status.FAIL, Status.NOT_DETERMINABLE,
    ]  # fmt: skip


def test_a_fault_inside_a_check_is_not_determinable_and_says_so() -> None:
    def broken(one: Resource) -> Verdict:
        raise KeyError("oh")

    [result] = evaluate([resource()], Registry([check(broken)]), today=TODAY)
    assert result.verdict.status is Status.NOT_DETERMINABLE
    assert "the check itself failed: KeyError" in result.verdict.reason


class Limit(Options):
    most: int = 10


def test_options_reach_the_check_and_have_defaults() -> None:
    def within(one: Resource, options: Limit) -> Verdict:
        return passes_if(one.number("size") <= options.most)

    limited = check(within, options=Limit)
    assert statuses([limited], resource(size=50)) == [Status.FAIL]
    assert statuses([limited], resource(size=50), options={"T-1": Limit(most=50)}) == [Status.PASS]


def exemption(**changes: Any) -> Exemption:
    given = {
        "check": "T-1",
        "urn": "*::a",
        "owner": "o",
        "ticket": "t",
        "reason": "for the time being",
        "expires": TODAY,
    }
    return Exemption(**{**given, **changes})


@pytest.mark.parametrize("size", [99, UNKNOWN])
def test_an_exemption_covers_what_fails_or_cannot_be_determined(size: Any) -> None:
    assert statuses([check(small)], resource(size=size), exemptions=Exemptions((exemption(),))) == [Status.EXEMPT]


def test_an_exemption_for_something_else_changes_nothing() -> None:
    for other in ({"urn": "*::b"}, {"check": "T-2"}, {"expires": TODAY - datetime.timedelta(1)}):
        entries = Exemptions((exemption(**other),))
        assert statuses([check(small)], resource(size=99), exemptions=entries) == [Status.FAIL]


def test_an_exemption_that_nothing_needs_is_said_to_be_unused() -> None:
    results = evaluate([resource(size=1)], Registry([check(small)]), today=TODAY, exemptions=Exemptions((exemption(),)))
    assert [result.status for result in results] == [Status.PASS]
    assert results.unused == (exemption(),)


def test_exemptions_that_do_not_hold_are_problems() -> None:
    expired, stranger = exemption(expires=TODAY - datetime.timedelta(1)), exemption(check="T-99")
    malformed = Problem("file, entry 3", "reason: Field required")
    exemptions = Exemptions((expired, stranger), (malformed,))
    results = evaluate([resource(size=99)], Registry([check(small)]), today=TODAY, exemptions=exemptions)
    assert [problem.message for problem in results.problems] == [
        "reason: Field required",
        f"expired on {expired.expires}; owner o, t",
        "T-99 is no known check",
    ]


def noted(note: str, **properties: Any) -> Resource:
    return Resource(value=properties, urn="urn:pulumi:test::shop::aws:x:X::a", type="aws:x:X", notes=("password", note))


def test_a_note_on_the_resource_exempts_it_and_nothing_else() -> None:
    note = exempt("T-1", expires=TODAY, owner="platform", ticket="LF-1", reason="for the time being")
    assert statuses([check(small)], noted(note, size=99)) == [Status.EXEMPT]
    assert statuses([check(small)], noted(note, size=99), resource("b", size=99)) == [Status.EXEMPT, Status.FAIL]


@pytest.mark.parametrize(
    "note", ["exempt T-1", "exempt", "exempt T-1; expires someday; owner o; ticket t; reason because it is"]
)
def test_a_malformed_note_exempts_nothing_and_is_a_problem(note: str) -> None:
    results = evaluate([noted(note, size=99)], Registry([check(small)]), today=TODAY)
    assert [result.status for result in results] == [Status.FAIL]
    assert len(results.problems) == 1


def test_a_stack_check_judges_each_resource_with_the_whole_stack() -> None:
    @control("T-9", title="Paired", severity=HIGH, maps={"soc2": ["CC6.1"]}, remedy="Pair it.")
    @in_stack("aws:x:X", reads=[])
    def paired(one: Resource, stack: Stack) -> Verdict:
        return passes_if(bool(stack.companions(one, "gcp:y:Y", by="partner")))

    partner = Resource(
        value={"partner": UNKNOWN}, urn="urn:pulumi:test::shop::gcp:y:Y::p", type="gcp:y:Y",
        property_dependencies={"partner": (resource("a").urn,)},
    )  # fmt: skip
    assert statuses([paired], resource("a"), resource("b"), partner) == [Status.PASS, Status.FAIL]


def fixing(*checks: Check, replacing: bool = False, **properties: Any) -> tuple[dict[str, Any], list[str]]:
    """What the properties are in the end, and the faults on the way."""
    applied = remediate(
        resource(**properties), Evaluator(Registry(checks), TODAY), lambda _: True, replacing=lambda _: replacing
    )
    done = [one for one in applied if not one.fault]
    return (dict(done[-1].properties) if done else properties), [one.fault for one in applied if one.fault]


def test_a_fix_is_applied_where_its_check_fails_only() -> None:
    fixable = check(small, fixed_by(sets("size", 1)))
    assert fixing(fixable, size=99) == ({"size": 1}, [])
    assert fixing(fixable, size=5) == ({"size": 5}, [])
    assert fixing(fixable, size=UNKNOWN) == ({"size": UNKNOWN}, [])


def test_a_fix_that_does_not_help_is_not_applied() -> None:
    assert fixing(check(small, fixed_by(sets("size", 50))), size=99) == (
        {"size": 99},
        ["the fix does not help: size is 50"],
    )
    broken = check(small, fixed_by(lambda properties: {}["x"]))
    assert fixing(broken, size=99) == ({"size": 99}, ["the fix itself failed: KeyError: 'x'"])


def test_a_fix_that_could_replace_the_resource_waits_to_be_asked_for() -> None:
    replacing = check(small, fixed_by(sets("size", 1), replaces=True))
    assert fixing(replacing, size=99) == ({"size": 99}, [])
    assert fixing(replacing, replacing=True, size=99) == ({"size": 1}, [])


def test_fixes_see_what_the_ones_before_them_did() -> None:
    def named(one: Resource) -> Verdict:
        return NOT_APPLICABLE if one.number("size") > 9 else passes_if(one.has("name"))

    both = [check(small, fixed_by(sets("size", 1))), check(named, fixed_by(sets("name", "x")), id_="T-2")]
    assert fixing(*both, size=99) == ({"size": 1, "name": "x"}, [])


def test_an_exempt_resource_is_not_fixed() -> None:
    fixable = check(small, fixed_by(sets("size", 1)))
    evaluator = Evaluator(Registry([fixable]), TODAY, exemptions=Exemptions((exemption(),)))
    assert remediate(resource(size=99), evaluator, lambda _: True, replacing=lambda _: False) == []


def test_setting_a_value_keeps_all_else_as_it_was() -> None:
    before = {"a": {SIGNATURE: SECRET, "value": {"b": 1, "c": UNKNOWN}}, "list": [{"x": 1}, {}], "__defaults": ["d"]}
    assert with_value(before, "a.b", 2) == {**before, "a": {SIGNATURE: SECRET, "value": {"b": 2, "c": UNKNOWN}}}
    assert with_value(before, "list.x", 2)["list"] == [{"x": 2}, {"x": 2}]
    assert with_value(before, "new.y", 2)["new"] == {"y": 2}
    assert with_value(before, "none[].y", 2) == before


@pytest.mark.parametrize(
    ("properties", "signal"),
    [({"a": UNKNOWN}, Unknown), ({"a": {SIGNATURE: SECRET, "ciphertext": "x"}}, Unknown), ({"a": "text"}, WrongShape)],
)
def test_nothing_is_set_inside_what_nobody_can_see(properties: dict[str, Any], signal: type[Exception]) -> None:
    with pytest.raises(signal):
        with_value(properties, "a.b", 1)


@pytest.mark.parametrize(
    ("token", "plain"),
    [
        ("azure-native:storage/v20240101:StorageAccount", "azure-native:storage:StorageAccount"),
        ("azure-native:storage/v20230701preview:StorageAccount", "azure-native:storage:StorageAccount"),
        ("azure-native_storage_v20240101:storage:StorageAccount", "azure-native:storage:StorageAccount"),
        ("azure-native_storage_v20240101:storage/v20240101:StorageAccount", "azure-native:storage:StorageAccount"),
        ("azure-native:storage:StorageAccount", "azure-native:storage:StorageAccount"),
        ("kubernetes:apps/v1:Deployment", "kubernetes:apps/v1:Deployment"),
        ("aws:rds/instance:Instance", "aws:rds/instance:Instance"),
    ],
)
def test_an_api_version_is_no_part_of_a_type(token: str, plain: str) -> None:
    assert drop_api_version(token) == plain
    assert normalize_type(token) == plain


@pytest.mark.parametrize(
    ("token", "known"),
    [
        ("aws:alb/listener:Listener", "aws:lb/listener:Listener"),
        ("aws:elasticloadbalancingv2/loadBalancer:LoadBalancer", "aws:lb/loadBalancer:LoadBalancer"),
        ("aws:s3/bucketV2:BucketV2", "aws:s3/bucket:Bucket"),
        ("aws:s3/bucketVersioningV2:BucketVersioningV2", "aws:s3/bucketVersioning:BucketVersioning"),
        ("azure-native:cache/v20230801:Redis", "azure-native:redis:Redis"),
        ("azure-native:documentdb:DatabaseAccount", "azure-native:cosmosdb:DatabaseAccount"),
        ("aws:securityhub/accountV2:AccountV2", "aws:securityhub/accountV2:AccountV2"),
    ],
)
def test_a_type_of_several_names_is_known_by_one(token: str, known: str) -> None:
    assert normalize_type(token) == known
    assert everything().for_type(known) or token == known


def test_passing_and_failing_say_what_was_found() -> None:
    assert passes_if(True, "never said") == PASS
    assert passes_if(False, "found") == fails("found")
