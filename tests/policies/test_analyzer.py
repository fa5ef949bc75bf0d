"""What the engine is told, without the engine: levels, counts, configuration, exemptions."""

from __future__ import annotations

import datetime
import json
from pathlib import Path
from typing import Any

import grpc
import pytest
from pulumi.runtime.proto import analyzer_pb2

from policies import (
    CRITICAL,
    MEDIUM,
    Options,
    Resource,
    Severity,
    Stack,
    Theme,
    Verdict,
    applies_to,
    fixed_by,
    in_stack,
    passes_if,
    sets,
)
from policies.configuration import Level, default_level
from policies.crossguard.analyzer import Analyzer
from policies.crossguard.description import INFO_LEVELS, Card
from policies.crossguard.messages import plain, struct
from policies.registry import Registry
from policies.values import SECRET, SIGNATURE, UNKNOWNS

TODAY = datetime.date(2030, 1, 1)
UNKNOWN = min(UNKNOWNS)
TYPE, OTHER = "aws:x:X", "aws:y:Y"
control = Theme("testing", "Testing").control


class Limit(Options):
    most: int = 10


def registry() -> Registry:
    """A critical check with a fix and an option, one that would replace, and a stack check that only warns."""
    maps = {"soc2": ["CC6.1"]}

    @control("T-1", title="Small", severity=CRITICAL, maps=maps, remedy="Make it small.", options=Limit)
    @applies_to(TYPE, reads=["size"])
    @fixed_by(sets("size", 1))
    def small(one: Resource, options: Limit) -> Verdict:
        return passes_if(one.number("size") <= options.most, "it is large")

    @control("T-2", title="Sealed", severity=MEDIUM, maps=maps, remedy="Seal it.")
    @applies_to(TYPE, reads=["sealed"])
    @fixed_by(sets("sealed", True), replaces=True)
    def sealed(one: Resource) -> Verdict:
        return passes_if(one.flag("sealed"))

    @control("T-3", title="Paired", severity=MEDIUM, maps=maps, remedy="Pair it.")
    @in_stack(TYPE, reads=[])
    def paired(one: Resource, stack: Stack) -> Verdict:
        return passes_if(bool(stack.companions(one, OTHER, by="partner")))

    return Registry([small, sealed, paired])


class Refused(Exception):
    """What the engine would show."""


class Context:
    def abort(self, code: grpc.StatusCode, message: str) -> None:
        raise Refused(message)


class Run:
    """One run of the engine against the pack."""

    def __init__(self, folder: Path = Path(), *, dry_run: bool | None = None) -> None:
        self.analyzer = Analyzer(Card("pack", "Pack"), registry(), folder, TODAY)
        if dry_run is not None:
            self.analyzer.ConfigureStack(analyzer_pb2.AnalyzerStackConfigureRequest(dry_run=dry_run), Context())

    def configure(self, **given: Any) -> Run:
        request = analyzer_pb2.ConfigureAnalyzerRequest()
        for name, value in given.items():
            level = value.pop("level", Level.MANDATORY) if isinstance(value, dict) else value
            properties = value if isinstance(value, dict) else {}
            entry = request.policyConfig[name.replace("_", "-")]
            entry.enforcementLevel = INFO_LEVELS[level]
            entry.properties.update(properties)
        self.analyzer.Configure(request, Context())
        return self

    def analyze(self, name: str = "a", token: str = TYPE, **properties: Any) -> list[tuple[str, str, str]]:
        return said(self.analyzer.Analyze(request_for(name, token, properties), Context()))

    def stack(self, *resources: Any) -> list[tuple[str, str, str]]:
        return said(self.analyzer.AnalyzeStack(analyzer_pb2.AnalyzeStackRequest(resources=resources), Context()))

    def remediate(self, **properties: Any) -> Any:
        return self.analyzer.Remediate(request_for("a", TYPE, properties), Context())


def urn(name: str, token: str = TYPE) -> str:
    return f"urn:pulumi:test::shop::{token}::{name}"


def request_for(name: str, token: str, properties: dict[str, Any]) -> Any:
    return analyzer_pb2.AnalyzeRequest(type=token, urn=urn(name, token), name=name, properties=struct(properties))


def in_whole(name: str, token: str = TYPE, *, refers: str = "", **properties: Any) -> Any:
    resource = analyzer_pb2.AnalyzerResource(type=token, urn=urn(name, token), name=name, properties=struct(properties))
    if refers:
        resource.propertyDependencies["partner"].urns.append(urn(refers))
    return resource


def said(response: Any) -> list[tuple[str, str, str]]:
    levels = analyzer_pb2.EnforcementLevel
    return [
        (diagnostic.policyName, levels.Name(diagnostic.enforcementLevel).lower(), diagnostic.message)
        for diagnostic in response.diagnostics
    ]


def names(lines: list[tuple[str, str, str]]) -> list[tuple[str, str]]:
    return [line[:2] for line in lines]


def test_a_violation_has_the_name_and_the_level_of_its_control() -> None:
    lines = Run(dry_run=True).analyze(size=99, sealed=False)
    assert names(lines) == [("T-1", "mandatory"), ("T-2", "advisory")]
    assert lines[0][2] == "Small: it is large. Make it small. [soc2 CC6.1]"


def test_the_pack_of_a_framework_names_no_other_framework() -> None:
    @control("T-4", title="Mapped", severity=CRITICAL, maps={"soc2": ["CC6.1"], "gdpr": ["Art. 32"]}, remedy="Map it.")
    @applies_to(TYPE, reads=[])
    def mapped(one: Resource) -> Verdict:
        return passes_if(False, "it is bad")

    def message(framework: str | None) -> str:
        analyzer = Analyzer(Card("pack", "Pack", framework), Registry([mapped]), Path(), TODAY)
        [line] = said(analyzer.Analyze(request_for("a", TYPE, {}), Context()))
        return line[2]

    assert message("gdpr") == "Mapped: it is bad. Map it. [gdpr Art. 32]"
    assert message(None) == "Mapped: it is bad. Map it. [soc2 CC6.1; gdpr Art. 32]"


def test_what_is_judged_elsewhere_is_not_called_passed() -> None:
    def not_applicable(token: str) -> set[str]:
        response = Run().analyzer.Analyze(request_for("a", token, {"size": 1, "sealed": True}), Context())
        assert not response.diagnostics
        return {one.policy_name for one in response.not_applicable}

    assert not_applicable(TYPE) == {"T-3", "exemptions"}
    assert not_applicable("gcp:z:Z") == {"T-1", "T-2", "T-3", "exemptions"}


BLOCKED = [("T-1", "mandatory")]


@pytest.mark.parametrize(
    ("dry_run", "strict", "told"),
    [
        (True, False, []),
        (None, False, []),
        (False, False, [("T-1", "mandatory")]),
        (True, True, [("T-1", "mandatory")]),
    ],
    ids=["preview", "analysis of a state", "update", "strict preview"],
)
def test_what_cannot_be_determined_is_put_off_until_the_update(dry_run, strict, told) -> None:
    run = Run(dry_run=dry_run).configure(all={"strict": strict})
    assert names(run.analyze("a", size=UNKNOWN, sealed=True)) == told
    assert names(run.analyze("b", size=UNKNOWN, sealed=True)) == told
    counted = [line[1:] for line in run.stack() if line[0] == "T-1"]
    put_off = ("advisory", "2 not determinable yet (a, b): size is not known yet. An update settles it.")
    assert counted == ([] if told else [put_off])


def test_a_disabled_control_says_nothing() -> None:
    run = Run(dry_run=True).configure(T_1=Level.DISABLED, T_2=Level.MANDATORY)
    assert names(run.analyze(size=99, sealed=False)) == [("T-2", "mandatory")]
    run.analyze(size=UNKNOWN, sealed=True)
    assert "T-1" not in {line[0] for line in run.stack()}


def test_options_come_from_the_control_or_from_all() -> None:
    assert Run().configure(T_1={"most": 100}).analyze(size=99, sealed=True) == []
    assert Run().configure(all={"most": 100}).analyze(size=99, sealed=True) == []
    assert Run().configure(all={"most": 100}, T_1={"most": 5}).analyze(size=99, sealed=True)


@pytest.mark.parametrize(
    ("configuration", "fault"),
    [
        ({"T_1": {"most": "many"}}, "T-1: most: Input should be a valid integer"),
        ({"T_1": {"least": 1}}, "T-1: least: Extra inputs are not permitted; its options are most"),
        ({"T_99": Level.MANDATORY}, "T-99 is no control of any pack"),
        ({"all": {"regions": []}}, "all: regions is no option of any control"),
        ({"all": {"allowReplacement": "x"}}, "all: allowReplacement"),
    ],
)
def test_a_wrong_configuration_is_refused(configuration: Any, fault: str) -> None:
    with pytest.raises(Refused, match=f"pack: {fault}"):
        Run().configure(**configuration)


def test_stack_checks_see_inputs_and_joins() -> None:
    run = Run(dry_run=True)
    assert names(run.stack(in_whole("a"), in_whole("p", OTHER, refers="a"))) == []
    assert run.stack(in_whole("a"), in_whole("p", OTHER))[0][:2] == ("T-3", "advisory")


def test_stack_checks_see_what_a_resource_was_given_beside_what_it_gave_back() -> None:
    run = Run(dry_run=True)
    run.analyze("p", OTHER, partner="arn:a")
    assert run.stack(in_whole("a", arn="arn:a"), in_whole("p", OTHER)) == []
    assert names(run.stack(in_whole("a", arn="arn:b"), in_whole("p", OTHER))) == [("T-3", "advisory")]


@pytest.mark.parametrize("severity", Severity)
def test_critical_and_high_violations_block_and_the_others_warn(severity: Severity) -> None:
    made = control("T-4", title="Four", severity=severity, maps={}, remedy="Do it.")
    assert default_level(made) is (Level.MANDATORY if severity.value in ("critical", "high") else Level.ADVISORY)


def test_only_what_is_set_to_remediate_is_fixed_and_secrets_stay_marked() -> None:
    given = {"size": 99, "sealed": False, "key": {SIGNATURE: SECRET, "value": "x"}, "late": UNKNOWN, "__defaults": []}
    assert not Run().remediate(**given).remediations
    [done] = Run().configure(T_1=Level.REMEDIATE, T_2=Level.REMEDIATE).remediate(**given).remediations
    assert done.policyName == "T-1"
    assert plain(done.properties) == {**given, "size": 1}


def test_a_fix_that_could_replace_needs_its_permission() -> None:
    run = Run().configure(T_2=Level.REMEDIATE, all={"allowReplacement": True})
    assert [remediation.policyName for remediation in run.remediate(size=1, sealed=False).remediations] == ["T-2"]


def test_what_is_left_after_remediation_blocks() -> None:
    assert names(Run().configure(T_2=Level.REMEDIATE).analyze(size=1, sealed=False)) == [("T-2", "mandatory")]


def test_a_new_run_forgets_the_last_one() -> None:
    run = Run(dry_run=True)
    run.analyze(size=UNKNOWN, sealed=True)
    run.analyzer.ConfigureStack(analyzer_pb2.AnalyzerStackConfigureRequest(dry_run=True), Context())
    assert run.stack() == []


ENTRY = {"check": "T-1", "urn": "*::a", "owner": "o", "ticket": "t", "reason": "for the time being"}


def test_exemptions_hold_until_they_expire_and_both_are_said(tmp_path: Path) -> None:
    entries = [{**ENTRY, "expires": "2030-01-01"}, {**ENTRY, "check": "T-2", "expires": "2029-12-31"}]
    (tmp_path / "exempt.yaml").write_text(json.dumps(entries))
    run = Run(tmp_path, dry_run=True).configure(all={"exemptions": "exempt.yaml"})
    assert names(run.analyze(size=99, sealed=False)) == [("T-2", "advisory")]
    assert [line[2] for line in run.stack() if line[0] == "exemptions"] == [
        "T-2 on *::a: expired on 2029-12-31; owner o, t",
        "1 exempt: T-1 on a",
    ]


def test_exemptions_that_do_not_hold_can_be_made_to_block(tmp_path: Path) -> None:
    run = Run(tmp_path, dry_run=True).configure(all={"exemptions": "none.yaml"}, exemptions=Level.MANDATORY)
    [line] = run.stack()
    assert line[:2] == ("exemptions", "mandatory")
    assert "none.yaml: cannot be read" in line[2]


def test_a_pack_describes_each_control_as_a_policy() -> None:
    info = Run().analyzer.GetAnalyzerInfo(None, Context())
    policies = {policy.name: policy for policy in info.policies}
    assert list(policies) == ["T-1", "T-2", "T-3", "exemptions"]
    option = {"description": "Default: 10.", "type": "integer"}
    assert plain(policies["T-1"].configSchema.properties) == {"most": option}
    assert policies["T-1"].policy_type == analyzer_pb2.POLICY_TYPE_RESOURCE
    assert policies["T-3"].policy_type == analyzer_pb2.POLICY_TYPE_STACK
    assert policies["T-1"].severity == analyzer_pb2.POLICY_SEVERITY_CRITICAL
