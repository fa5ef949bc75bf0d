"""The results model: every verdict, every requirement, three figures that stand together."""

from __future__ import annotations

import dataclasses
import datetime
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies import LOW, PASS, Resource, Theme, applies_to
from policies.configuration import Configuration, Level
from policies.exemptions import Exemptions, exempt
from policies.registry import Registry, everything, reasons_without_check
from policies.report import Rules, judge, new_violations
from policies.report.figures import NO_DATA, Share, Tally, worst
from policies.verdicts import Status
from tests.policies.report.small import FRAMEWORK, GCP, NOW, REGISTRY, RESOURCES, SOURCE, Limit, disk, empty, small


@given(st.integers(0, 10_000), st.integers(1, 10_000))
def test_a_share_is_full_only_when_nothing_is_missing_and_never_stands_alone(part: int, more: int) -> None:
    assert Share.of(part, part + more).percent < 100
    assert f"{part} of {part + more}" in str(Share.of(part, part + more))
    assert Share.of(more, more).percent == 100


def test_a_share_of_nothing_says_so() -> None:
    assert str(Share.of(0, 0)) == NO_DATA
    assert Share.of(0, 0).percent is None


@given(st.lists(st.sampled_from(list(Status)[:5])))
def test_a_whole_is_as_bad_as_its_worst_part(statuses: list[Status]) -> None:
    assert (worst(statuses) is Status.FAIL) == (Status.FAIL in statuses)
    if worst(statuses) is Status.PASS:
        assert not {Status.FAIL, Status.NOT_DETERMINABLE, Status.EXEMPT} & set(statuses)
    if not statuses:
        assert worst(statuses) is Status.NOT_ASSESSED


def verdict_of(report, control: str, name: str):
    return next(
        verdict for verdict in report.verdicts if verdict.control == control and verdict.urn.endswith(f"::{name}")
    )


def test_every_resource_gets_its_verdict_with_what_was_found() -> None:
    report = small()
    told = {(verdict.control, verdict.urn.rpartition("::")[2]): verdict.status.value for verdict in report.verdicts}
    assert told == {
        ("T-1", "good"): "pass",
        ("T-1", "large"): "fail",
        ("T-1", "spared"): "exempt",
        ("T-1", "late"): "not determinable",
        ("T-1", "scratch"): "not applicable",
        ("T-1", "far"): "pass",
        ("T-2", "good"): "pass",
        ("T-2", "large"): "pass",
        ("T-2", "spared"): "pass",
        ("T-2", "late"): "not determinable",
        ("T-2", "scratch"): "fail",
    }
    assert verdict_of(report, "T-1", "large").reason == "size is 99"
    assert verdict_of(report, "T-1", "late").reason == "size is not known yet"
    spared = verdict_of(report, "T-1", "spared")
    assert (spared.found, spared.reason) == (Status.FAIL, "size is 50")
    assert spared.exemption is not None
    assert spared.exemption.ticket == "LF-1"


def test_a_violation_is_fixable_only_where_the_fix_was_seen_to_help() -> None:
    assert [(verdict.control, verdict.urn.rpartition("::")[2]) for verdict in small().verdicts if verdict.fixable] == [
        ("T-2", "scratch")
    ]


def test_the_three_figures_count_only_what_they_say() -> None:
    figures = small().figures
    assert str(figures.with_exemptions.pass_rate) == "5 of 7 (71.4%)"
    assert str(figures.with_exemptions.determinacy) == "7 of 9 (77.7%)"
    assert str(figures.with_exemptions.coverage) == "2 of 5 (40%)"
    assert str(figures.without_exemptions.pass_rate) == "5 of 8 (62.5%)"
    assert str(figures.without_exemptions.determinacy) == "8 of 10 (80%)"


def test_an_exempt_verdict_is_no_evidence_but_what_it_would_be_is() -> None:
    figures = small(disk("spared", size=50, scratch=False, name="")).frameworks[0].figures
    assert (figures.with_exemptions.coverage.part, figures.without_exemptions.coverage.part) == (1, 2)
    assert str(figures.with_exemptions.pass_rate) == "0 of 1 (0%)"


def test_all_requirements_are_told_each_with_its_reason() -> None:
    [framework] = small().frameworks
    told = {
        requirement.id: (requirement.kind, requirement.status.value, requirement.controls)
        for requirement in framework.requirements
    }
    assert told == {
        "R 1": ("automated", "fail", ("T-1", "T-3")),
        "R 2": ("automated", "fail", ("T-2",)),
        "R 3": ("automated", "not assessed", ()),
        "R 4": ("organisational", "organisational", ()),
        "R 5": ("not assessed", "not assessed", ()),
    }
    reasons = {requirement.id: requirement.reason for requirement in framework.requirements}
    assert reasons["R 4"] == "Ask them"
    assert reasons["R 3"] == "No check gives evidence for it yet"
    assert framework.kinds == {"automated": 3, "organisational": 1, "not assessed": 1}


def test_a_requirement_whose_violations_are_exempt_does_not_pass() -> None:
    [framework] = small(disk("spared", size=50, name="a")).frameworks
    assert framework.requirements[0].status is Status.EXEMPT
    assert framework.requirements[0].without_exemptions is Status.FAIL


def test_a_control_without_a_resource_of_its_kind_is_not_assessed() -> None:
    control = next(control for control in small().controls if control.id == "T-3")
    assert control.status is Status.NOT_ASSESSED
    assert {check.status for check in control.checks} == {Status.NOT_ASSESSED}


def test_where_nothing_was_evaluated_there_is_no_figure() -> None:
    report = empty()
    assert report.verdicts == ()
    assert str(report.figures.with_exemptions.pass_rate) == NO_DATA
    assert str(report.figures.with_exemptions.determinacy) == NO_DATA
    assert report.figures.with_exemptions.coverage.part == 0


def test_what_no_check_means_is_listed() -> None:
    [unchecked] = small().unchecked
    assert (unchecked.type, unchecked.count) == ("aws:x/cable:Cable", 1)


def test_a_type_of_which_only_tags_are_looked_at_has_no_check_of_its_own() -> None:
    everywhere = Theme("testing", "Testing").control("T-9", title="Tagged", severity=LOW, maps={}, remedy="Tag it.")
    tagged = everywhere(applies_to("aws:*", reads=["tags"])(lambda resource: PASS))
    rules = Rules(Registry([*REGISTRY, tagged]), (FRAMEWORK,), Configuration(), Exemptions())
    report = judge(RESOURCES, rules, SOURCE, NOW)
    [cable] = [verdict for verdict in report.verdicts if verdict.urn == RESOURCES[-1].urn]
    assert (cable.control, cable.status) == ("T-9", Status.PASS)
    assert [(entry.type, entry.count) for entry in report.unchecked] == [("aws:x/cable:Cable", 1)]


def test_a_type_that_needs_no_check_is_listed_with_the_reason() -> None:
    token = "aws:ec2/route:Route"
    route = Resource(value={}, urn=f"urn:pulumi:prod::shop::{token}::r", type=token)
    rules = Rules(everything(), (FRAMEWORK,), Configuration(), Exemptions())
    [entry] = judge((route,), rules, SOURCE, NOW).unchecked
    assert (entry.type, entry.reason) == (token, reasons_without_check()[token])


def test_checks_that_apply_to_no_resource_do_not_make_a_requirement_inapplicable() -> None:
    [framework] = small(disk("scratch", scratch=True, name="a")).frameworks
    [first] = [requirement for requirement in framework.requirements if requirement.id == "R 1"]
    assert first.tally.not_applicable == 1
    assert (first.status, first.without_exemptions) == (Status.NOT_ASSESSED, Status.NOT_ASSESSED)
    assert "apply to none of the resources" in first.reason


def test_frameworks_are_not_added_up() -> None:
    report = small(frameworks=(FRAMEWORK, FRAMEWORK))
    assert report.figures.with_exemptions.coverage is None
    assert report.figures.without_exemptions.coverage is None
    assert str(report.figures.with_exemptions) == "verdicts that pass: 5 of 7 (71.4%); determinable: 7 of 9 (77.7%)"
    assert str(report.frameworks[0].figures.with_exemptions.coverage) == "2 of 5 (40%)"


def test_exemptions_that_do_not_hold_or_that_nothing_needs_are_told() -> None:
    report = small()
    [problem] = report.exemption_problems
    assert "expired on 2029-01-01" in problem.message
    assert [one.urn for one in report.exemptions_unused] == ["*::gone"]


def test_an_exemption_from_a_control_of_another_selection_is_no_mistake() -> None:
    def note(check: str) -> str:
        return exempt(
            check, expires=datetime.date(2031, 1, 1), owner="o", ticket="t", reason="it is known and taken for now"
        )

    noted = dataclasses.replace(disk("far", GCP, size=2), notes=(note("T-2"), note("T-99")))
    rules = Rules(REGISTRY.select(cloud="gcp"), (FRAMEWORK,), Configuration(), Exemptions())
    [problem] = judge((noted,), rules, SOURCE, NOW).exemption_problems
    assert problem.message == "T-99 is no known check"


def test_only_levels_that_block_stop_and_strict_counts_what_cannot_be_determined() -> None:
    def names(report) -> set[tuple[str, str]]:
        return {(one.control, one.urn.rpartition("::")[2]) for one in report.blocking}

    assert names(small()) == {("T-1", "large")}
    assert names(small(strict=True)) == {("T-1", "large"), ("T-1", "late")}
    assert names(small(levels={"T-1": Level.ADVISORY})) == set()
    assert names(small(levels={"T-1": Level.REMEDIATE, "T-2": Level.MANDATORY})) == {
        ("T-1", "large"),
        ("T-2", "scratch"),
    }


def test_a_disabled_control_is_not_assessed_and_no_evidence() -> None:
    report = small(levels={"T-1": Level.DISABLED})
    assert not [verdict for verdict in report.verdicts if verdict.control == "T-1"]
    assert report.frameworks[0].requirements[0].status is Status.NOT_ASSESSED
    assert report.figures.with_exemptions.coverage.part == 1


def test_options_that_differ_from_their_defaults_are_told() -> None:
    assert small().options == {}
    report = small(options={"T-1": Limit(most=60)})
    assert report.options == {"T-1": {"most": 60}}
    assert verdict_of(report, "T-1", "spared").status is Status.PASS


def test_the_order_of_the_resources_does_not_matter() -> None:
    shuffled = list(RESOURCES)
    random.Random(7).shuffle(shuffled)
    assert small(*shuffled) == small()


def test_a_fingerprint_is_of_control_and_resource_alone() -> None:
    prints = {(verdict.control, verdict.urn): verdict.fingerprint for verdict in small().verdicts}
    assert len(set(prints.values())) == len(prints)
    other = small(disk("large", size=1234, name="b"))
    assert {verdict.fingerprint for verdict in other.verdicts} <= set(prints.values())


def test_only_violations_that_were_none_before_are_new() -> None:
    before = small(disk("large", size=99, name="a"), disk("other", size=1, name="a"))
    after = small(disk("large", size=98, name="a"), disk("other", size=77, name="a"))
    assert [verdict.urn.rpartition("::")[2] for verdict in new_violations(after, before)] == ["other"]
    assert new_violations(before, before) == ()


@pytest.mark.parametrize(
    ("declared", "place"),
    [
        ("project:///stacks/disks.py#7", ("stacks/disks.py", 7)),
        ("project:///index.ts#7,21", ("index.ts", 7)),
        ("project:///my%20stacks/a%23b.py#7", ("my stacks/a#b.py", 7)),
        ("project:///../elsewhere/x.py#7", ("", None)),
        ("project:///stacks/../../x.py#7", ("", None)),
        ("project:///stacks/%2e%2e/%2E%2E/x.py#7", ("", None)),
        ("project:////etc/passwd#7", ("", None)),
        ("project:///node_modules/x/y.js#7", ("", None)),
        ("project:///stacks/x.py#0", ("stacks/x.py", None)),
        ("project:///.venv/lib/x.py#7", ("", None)),
        ("", ("", None)),
    ],
)
def test_the_place_is_told_only_inside_the_project(declared: str, place: tuple[str, int | None]) -> None:
    [entry] = small(dataclasses.replace(disk("one", size=1), declared=declared)).resources
    assert (entry.file, entry.line) == place


@given(st.lists(st.sampled_from(list(Status)[:5])))
def test_a_tally_counts_each_verdict_once(statuses: list[Status]) -> None:
    tally = Tally.of(statuses)
    whole = tally.passed + tally.failed + tally.not_determinable + tally.exempt + tally.not_applicable
    assert whole == len(statuses)
