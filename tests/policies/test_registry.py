"""The registry as a whole: nothing twice, everything mapped, every type of the stacks looked at."""

from __future__ import annotations

from pathlib import Path

import pytest

from policies import HIGH, PASS, Resource, Severity, Theme, Verdict, applies_to, fixed_by, in_stack, sets
from policies.control import BadDeclaration, Check
from policies.docs import PUBLISHED, Counts, find_published
from policies.frameworks import FRAMEWORKS, framework
from policies.registry import COMPONENTS, Registry, everything, is_pattern, reasons_without_check
from policies.resource import CLOUDS, drop_api_version

GOLDEN = Path(__file__).parents[1] / "stacks" / "golden"

control = Theme("testing", "Testing").control


def test_published_counts_are_those_of_the_registry() -> None:
    assert find_published(PUBLISHED.read_text()) == Counts.of(everything()).sentence, "run python -m policies.docs"


@pytest.mark.parametrize("one", everything().controls, ids=lambda one: one.id)
def test_a_control_maps_to_requirements_that_are_marked_automated(one) -> None:
    assert one.maps
    for name, ids in one.maps.items():
        assert ids, f"{one.id} maps to no requirement of {name}"
        for id_ in ids:
            requirement = framework(name).requirement_of(id_)
            assert requirement, f"{one.id}: {name} has no {id_}"
            assert framework(name).requirements[requirement].automated, (
                f"{one.id}: {name} {requirement} is not automated"
            )


@pytest.mark.parametrize("one", everything().controls, ids=lambda one: one.id)
def test_a_control_says_what_and_how(one) -> None:
    assert one.title[0].isupper()
    assert not one.title.endswith(".")
    assert one.remedy.endswith(".")


def test_every_automated_requirement_has_a_control() -> None:
    for name in FRAMEWORKS:
        mapped = {
            framework(name).requirement_of(id_) for one in everything().controls for id_ in one.maps.get(name, ())
        }
        automated = {id_ for id_, requirement in framework(name).requirements.items() if requirement.automated}
        assert automated
        assert automated <= mapped, f"{name}: {sorted(automated - mapped)}"


def test_there_are_frameworks_and_every_pack_holds_some_of_the_controls() -> None:
    assert len(FRAMEWORKS) == 4
    held = {name: len(everything().select(framework=name).controls) for name in FRAMEWORKS}
    assert all(0 < count <= len(everything().controls) for count in held.values()), held


def stack_types() -> set[str]:
    lines = (line for path in GOLDEN.glob("*.txt") for line in path.read_text().splitlines())
    types = {drop_api_version(line.split()[0]) for line in lines}
    return {token for token in types if not token.startswith(COMPONENTS)}


def covered() -> set[str]:
    """The types that a check names; one that means a whole package covers no type of it."""
    return {token for check in everything() for token in check.types if not is_pattern(token)}


def test_every_type_of_the_stacks_is_covered_or_needs_no_check() -> None:
    assert stack_types() <= covered() | reasons_without_check().keys(), sorted(
        stack_types() - covered() - reasons_without_check().keys()
    )


def test_what_needs_no_check_has_none_and_is_made_by_the_stacks() -> None:
    assert not reasons_without_check().keys() & covered()
    assert reasons_without_check().keys() <= stack_types()


def checks() -> tuple[Check, Check]:
    """One control in two clouds, with a fix in one of them."""
    one = control("T-1", title="One", severity=HIGH, maps={"soc2": ["CC6.1"]}, remedy="Do it.")

    @one
    @applies_to("aws:a:A", "aws:b:B", reads=["x"])
    @fixed_by(sets("x", 1), "aws:a:A")
    @fixed_by(sets("x", 2), "aws:b:B", replaces=True)
    def on_aws(resource: Resource) -> Verdict:
        return PASS

    @one
    @applies_to("gcp:a:A", reads=["x"])
    def on_gcp(resource: Resource) -> Verdict:
        return PASS

    return on_aws, on_gcp


def test_a_check_is_never_returned_twice() -> None:
    on_aws, on_gcp = checks()
    registry = Registry([on_aws, on_gcp, on_aws])
    assert registry.checks == (on_aws, on_gcp)
    assert registry.ids == ("T-1/aws", "T-1/gcp")
    assert len(registry.controls) == 1


def test_a_selection_meets_every_wish() -> None:
    on_aws, on_gcp = checks()
    registry = Registry([on_aws, on_gcp])
    assert registry.select(cloud="aws", framework="soc2", severity=HIGH, theme="testing").checks == (on_aws,)
    assert not registry.select(framework="gdpr").checks
    assert not registry.select(severity=Severity.LOW).checks
    assert not registry.select(theme="other").checks


def test_only_fixes_that_replace_nothing_are_given_out_and_counted() -> None:
    on_aws, on_gcp = checks()
    assert on_aws.remedy_for("aws:a:A")
    assert on_aws.remedy_for("aws:b:B") is None
    assert on_aws.remedy_for("aws:b:B", replacing=True)
    assert Counts.of(Registry([on_aws, on_gcp])) == Counts(1, 2, {"aws": 1, "gcp": 1}, 1)


def test_all_selections_together_are_everything() -> None:
    by_cloud = [check for cloud in CLOUDS for check in everything().select(cloud=cloud)]
    assert sorted(map(id, by_cloud)) == sorted(map(id, everything()))


def test_two_controls_of_one_id_are_refused() -> None:
    with pytest.raises(BadDeclaration, match="T-1 is the id of two controls"):
        Registry([checks()[0], checks()[0]])


def test_two_checks_of_a_control_for_one_type_are_refused() -> None:
    one = control("T-2", title="Two", severity=HIGH, maps={}, remedy="Do it.")
    twice = [one(applies_to("aws:a:A", reads=[])(lambda resource: PASS)) for _ in range(2)]
    with pytest.raises(BadDeclaration, match="two checks mean aws:a:A"):
        Registry(twice)


@pytest.mark.parametrize(
    ("declaration", "fault"),
    [
        (applies_to("aws:a:A", "gcp:a:A", reads=[])(lambda resource: PASS), "one cloud"),
        (applies_to("aws:a:A", reads=[])(lambda: PASS), "takes the resource"),
        (in_stack("aws:a:A", reads=[])(lambda resource: PASS), "takes resource and stack"),
        (applies_to("aws:a:A", reads=[])(fixed_by(sets("x", 1), "aws:b:B")(lambda resource: PASS)), "fix for aws:b:B"),
        (in_stack("aws:a:A", reads=[])(fixed_by(sets("x", 1))(lambda resource, stack: PASS)), "cannot fix"),
    ],
)
def test_a_declaration_that_cannot_work_is_refused(declaration, fault) -> None:
    with pytest.raises(BadDeclaration, match=fault):
        control("T-3", title="Three", severity=HIGH, maps={}, remedy="Do it.")(declaration)


def test_a_check_may_mean_all_types_of_a_package() -> None:
    one = control("T-4", title="Four", severity=HIGH, maps={}, remedy="Do it.")
    everywhere = one(applies_to("aws:*", reads=[])(lambda resource: PASS))
    registry = Registry([everywhere])
    assert registry.for_type("aws:ec2/vpc:Vpc") == (everywhere,)
    assert registry.for_type("gcp:compute/network:Network") == ()


@pytest.mark.parametrize("name", FRAMEWORKS)
def test_each_framework_has_a_pack_that_selects_its_controls(name: str) -> None:
    folder = Path(__file__).parents[2] / "policies" / name
    project = (folder / "PulumiPolicy.yaml").read_text()
    assert "virtualenv: ../../.venv" in project
    assert "configuredByCall: true" in project
    assert f'framework="{name}"' in (folder / "__main__.py").read_text()
    selected = everything().select(framework=name)
    assert selected.controls
    assert all(one.maps[name] for one in selected.controls)
