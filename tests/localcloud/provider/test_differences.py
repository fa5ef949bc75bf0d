"""Where inputs differ, and which difference replaces."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localcloud.contract import UNKNOWN
from localcloud.provider.differences import changes, path_text
from localcloud.provider.properties import merged, projected, with_outputs, without

keys = st.sampled_from("abcd")
scalars = st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from(["", "x"])
values = st.recursive(scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner), max_leaves=12)
objects = st.dictionaries(keys, values)


@given(objects)
def test_equal_inputs_have_no_changes(inputs):
    assert changes(inputs, inputs) == []


@pytest.mark.slow
@given(objects, objects)
def test_different_inputs_have_changes_at_places_of_their_own(old, new):
    found = changes(old, new)
    assert bool(found) == (repr(sorted_deep(old)) != repr(sorted_deep(new)))
    assert len({change.text for change in found}) == len(found)


@pytest.mark.slow
@given(objects, objects)
def test_every_change_replaces_where_its_whole_property_does(old, new):
    assert all(change.replaces for change in changes(old, new, tuple("abcd")))


def sorted_deep(value):
    if isinstance(value, dict):
        return {key: sorted_deep(value[key]) for key in sorted(value)}
    return [sorted_deep(item) for item in value] if isinstance(value, list) else value


@pytest.mark.parametrize(
    ("old", "new", "texts"),
    [
        ({"a": 1}, {"a": True}, ["a UPDATE"]),
        ({"a": {"b": 1, "c": 2}}, {"a": {"b": 2}}, ["a.b UPDATE", "a.c DELETE"]),
        ({"a": [1]}, {"a": [1, {"b": 2}]}, ["a[1] ADD"]),
        ({"a": [{"b": 1}]}, {"a": [{"b": UNKNOWN}]}, ["a[0].b UPDATE"]),
        ({"tags": {"cost.centre": "1"}}, {"tags": {"cost.centre": "2"}}, ['tags["cost.centre"] UPDATE']),
        ({"__defaults": ["name"]}, {"__defaults": []}, []),
    ],
)
def test_a_change_names_its_place_and_kind(old, new, texts):
    assert [f"{change.text} {change.kind.value}" for change in changes(old, new)] == texts


@pytest.mark.parametrize(
    ("old", "new", "pattern", "replaces"),
    [
        ({"a": {"b": 1}}, {"a": {"b": 2}}, "a.b", True),
        ({"a": {"b": 1, "c": 1}}, {"a": {"b": 1, "c": 2}}, "a.b", False),
        ({"a": {"b": {"c": 1}}}, {"a": {"b": {"c": 2}}}, "a.b", True),
        ({}, {"a": {"b": 1}}, "a.b", True),
        ({}, {"a": {"c": 1}}, "a.b", False),
        ({"a": [{"b": 1}]}, {"a": [{"b": 2}]}, "a.b", True),
        ({"a": [{"b": 1}]}, {"a": [{"b": 1}, {"b": 2}]}, "a.b", True),
        ({"a": [{"b": 1}]}, {"a": [{"b": 2}]}, "a.*.b", True),
        ({"a": {"x": {"b": 1}}}, {"a": {"x": {"b": 2}}}, "a.*.b", True),
        ({}, {"a": {"x": {"b": 2}}}, "a.*.b", True),
        ({"a": "x"}, {"a": UNKNOWN}, "a", True),
        ({"a": {"b": 1}}, {"a": 5}, "a.b", True),
    ],
)
def test_a_change_replaces_at_below_and_around_the_input_of_a_fact(old, new, pattern, replaces):
    assert any(change.replaces for change in changes(old, new, [pattern])) is replaces


def test_a_path_is_written_as_the_engine_reads_it():
    assert path_text(("spec", "containers", 0, "env", 'a"b')) == 'spec.containers[0].env["a\\"b"]'


@given(objects, objects)
def test_what_was_laid_over_is_on_top(below, above):
    result = merged(below, above)
    assert set(result) == set(below) | set(above)
    assert merged(result, above) == result


@pytest.mark.slow
@given(objects, objects)
def test_outputs_are_what_state_has_beyond_inputs(inputs, outputs):
    rest = without(merged(outputs, inputs), inputs)
    assert merged(rest, inputs) == merged(merged(outputs, inputs), {})


def test_inputs_are_seen_through_a_state_that_has_drifted():
    inputs = {"size": 1, "rules": [{"port": 1}], "gone": True, "grown": [1], "__defaults": ["size"]}
    state = {"size": 2, "rules": [{"port": 3, "id": "x"}], "grown": [1, 2], "arn": "a"}
    assert projected(inputs, state) == {
        "size": 2,
        "rules": [{"port": 3}],
        "grown": [1, 2],
        "__defaults": ["size"],
    }


def test_azure_tells_the_identities_of_a_resource_as_a_map():
    inputs = {"identity": {"type": "UserAssigned", "userAssignedIdentities": ["a", "b"]}, "__defaults": []}
    assert with_outputs(inputs, {"identity": {"principalId": "p"}}) == {
        "identity": {"type": "UserAssigned", "userAssignedIdentities": {"a": {}, "b": {}}, "principalId": "p"}
    }
    unknown = {"userAssignedIdentities": [UNKNOWN]}
    assert with_outputs({"rules": [unknown]}, {}) == {"rules": [{"userAssignedIdentities": UNKNOWN}]}


def test_lists_of_as_many_objects_are_merged_item_by_item():
    inputs, outputs = {"rules": [{"port": 1}, {"port": 2}]}, {"rules": [{"id": "a"}, {"id": "b"}]}
    whole = with_outputs(inputs, outputs)
    assert whole == {"rules": [{"port": 1, "id": "a"}, {"port": 2, "id": "b"}]}
    assert without(whole, inputs) == outputs
    assert with_outputs({"rules": [{"port": 1}]}, outputs) == outputs


@pytest.mark.parametrize(
    ("old", "new", "replaces"),
    [
        ({"a": {"b": 1}}, {"a": {"b": 2}}, False),
        ({"a": {}}, {"a": {"b": 1}}, False),
        ({"a": {"b": 1}}, {"a": {}}, True),
        ({"a": {"b": 1}}, {}, True),
        ({"a": {"c": 1}}, {}, False),
        ({"a": {"b": {"d": 1}}}, {"a": {"b": {}}}, False),
    ],
)
def test_what_cannot_be_taken_away_replaces_by_its_removal_only(old, new, replaces):
    assert any(change.replaces for change in changes(old, new, (), ["a.b"])) is replaces
