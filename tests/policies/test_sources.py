"""Exemption files, baselines, and resources of states and previews: right, or refused with the place."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies import Unknown
from policies.exemptions import (
    Baseline,
    Exemption,
    exempt,
    read_baseline,
    read_exemptions,
    read_notes,
    sorted_findings,
)
from policies.resource import Resource
from policies.sources import Unreadable, read_base, read_preview, read_state
from policies.values import REDACTED, SECRET, SIGNATURE

DAY = datetime.date(2030, 1, 1)
ENTRY = "- {check: T-1, urn: '*::a', owner: o, ticket: t, reason: for the time being, expires: 2030-01-01}\n"
URN = "urn:pulumi:test::shop::aws:x/x:X::a"


@given(st.dates(), st.dates())
def test_an_exemption_holds_through_its_last_day(today: datetime.date, last: datetime.date) -> None:
    exemption = Exemption(check="T", urn="*::a", owner="o", ticket="t", reason="for the time being", expires=last)
    assert exemption.is_active(today) == (today <= last)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (ENTRY.replace(", expires: 2030-01-01", ""), "entry 1: expires: Field required"),
        (ENTRY.replace("2030-01-01", "never"), "entry 1: expires"),
        (ENTRY.replace("owner: o", "owner: ''"), "entry 1: owner"),
        (ENTRY.replace("'*::a'", "'*'"), "entry 1: urn"),
        (ENTRY.replace("'*::a'", "'urn:pulumi:*::*'"), "entry 1: urn"),
        (ENTRY.replace("'*::a'", "'[a-z]*'"), "entry 1: urn"),
        (ENTRY.replace("'*::a'", "'*[!|]'"), "entry 1: urn"),
        (ENTRY.replace("2030-01-01", "1893456000"), "entry 1: expires"),
        (
            ENTRY.replace("expires: 2030-01-01", "expires: 2029-01-01, expires: 2030-01-01"),
            "expires stands here twice",
        ),
        (ENTRY.replace("for the time being", "why"), "entry 1: reason"),
        (ENTRY.replace("check: T-1", "check: T-1, until: x"), "entry 1: until"),
        ("- only text\n", "entry 1: Input should be"),
        ("check: T-1\n", "must be a list"),
        (ENTRY.replace("2030-01-01", "2030-02-30"), "entry 1: expires"),
        (ENTRY.replace("2030-01-01", "'1893456000'"), "entry 1: expires"),
        ("- {", "cannot be read"),
        ("- {[a]: b}", "cannot be read"),
        ("- {check: T-1, <<: x}", "cannot be read"),
    ],
)
def test_a_malformed_exemption_is_a_problem_and_exempts_nothing(tmp_path: Path, text: str, fault: str) -> None:
    path = tmp_path / "exemptions.yaml"
    path.write_text(text)
    read = read_exemptions(path)
    assert read.entries == ()
    [problem] = read.problems
    assert fault in f"{problem.where}: {problem.message}"
    assert str(path) in problem.where


@pytest.mark.parametrize("malformed", ["- {}\n", ENTRY.replace("2030-01-01", "2030-02-30")])
def test_one_malformed_exemption_leaves_the_others(tmp_path: Path, malformed: str) -> None:
    path = tmp_path / "exemptions.yaml"
    path.write_text(malformed + ENTRY)
    read = read_exemptions(path)
    assert [entry.check for entry in read.entries] == ["T-1"]
    assert len(read.problems) == 1


def test_the_projects_own_exemptions_can_be_read() -> None:
    assert read_exemptions(Path(__file__).parents[2] / "policies" / "exemptions.yaml").problems == ()


@given(st.text(st.characters(exclude_characters=";\n\r", categories=("L", "N", "P", "S")), min_size=10, max_size=40))
def test_a_note_says_what_was_put_into_it(reason: str) -> None:
    note = exempt("NET-003", expires=DAY, owner="platform team", ticket="LF-1", reason=reason)
    [found] = read_notes(Resource(value={}, urn=URN, type="aws:x/x:X", notes=(note,))).entries
    assert (found.check, found.expires, found.owner, found.reason) == ("NET-003", DAY, "platform team", reason)
    assert found.covers("NET-003", URN)
    assert not found.covers("NET-003", f"{URN}b")


def test_a_note_that_could_not_be_read_back_is_refused() -> None:
    with pytest.raises(ValueError, match="semicolon"):
        exempt("T-1", expires=DAY, owner="o", ticket="t", reason="one thing; another")


def test_a_baseline_exempts_what_it_found_until_its_day(tmp_path: Path) -> None:
    findings = sorted_findings([("T-2", URN), ("T-1", URN), ("T-1", f"{URN}b"), ("T-1", URN)])
    baseline = Baseline(
        recorded=DAY, expires=DAY, owner="o", ticket="t", reason="taken over as it was", findings=findings
    )
    path = tmp_path / "baseline.yaml"
    path.write_text(baseline.text())
    read = read_baseline(path)
    assert not read.problems
    assert [(entry.check, entry.urn) for entry in read.entries] == [("T-1", URN), ("T-1", f"{URN}b"), ("T-2", URN)]
    assert {entry.origin for entry in read.entries} == {"baseline"}


def test_a_baseline_means_each_urn_by_its_letters_and_no_other(tmp_path: Path) -> None:
    urns = [f"{URN}[0]", f"{URN}*", f"{URN}?"]
    path = tmp_path / "baseline.yaml"
    path.write_text(
        Baseline(
            recorded=DAY,
            expires=DAY,
            owner="o",
            ticket="t",
            reason="taken over as it was",
            findings=sorted_findings([("T-1", urn) for urn in urns]),
        ).text()
    )
    read = read_baseline(path)
    assert all(read.covering("T-1", urn, DAY) for urn in urns)
    assert not [one for one in (f"{URN}0", f"{URN}b", URN) if read.covering("T-1", one, DAY)]


@pytest.mark.parametrize("text", ["- x", "{", "recorded: 2030-01-01\n", "recorded: 2030-02-30\n"])
def test_a_malformed_baseline_is_a_problem(tmp_path: Path, text: str) -> None:
    path = tmp_path / "baseline.yaml"
    path.write_text(text)
    assert read_baseline(path).problems
    assert not read_baseline(path).entries


def record(**more: Any) -> dict[str, Any]:
    return {"urn": URN, "type": "aws:x/x:X", "inputs": {"size": 1}, "outputs": {"size": 1, "arn": "arn:x"}, **more}


def state(*records: Any) -> dict[str, Any]:
    return {"version": 3, "deployment": {"resources": list(records)}}


def test_a_state_gives_inputs_outputs_options_and_joins() -> None:
    provider = {"urn": "urn:pulumi:test::shop::pulumi:providers:aws::p", "type": "pulumi:providers:aws"}
    one = record(
        id="x-1", provider=f"{provider['urn']}::uuid", protect=True, parent="urn:parent",
        propertyDependencies={"size": [provider["urn"]], "none": None}, additionalSecretOutputs=["password"],
        sourcePosition="project:///program.py#7",
    )  # fmt: skip
    [_, read] = read_state(state({**provider, "inputs": {"region": "eu-west-1"}}, one))
    assert (read.name, read.type, read.protect, read.parent) == ("a", "aws:x/x:X", True, "urn:parent")
    assert (read.number("size"), read.has("arn"), read.outputs.text("arn"), read.outputs.text("id")) == (
        1, False, "arn:x", "x-1",
    )  # fmt: skip
    assert read.provider.text("region") == "eu-west-1"
    assert read.provider_urn == provider["urn"]
    assert read.property_dependencies == {"size": (provider["urn"],), "none": ()}
    assert read.notes == ("password",)
    assert read.declared == "project:///program.py#7"


def test_what_was_only_read_shows_its_outputs_and_what_goes_is_left_out() -> None:
    [read] = read_state(state(record(inputs=None, external=True), record(delete=True)))
    assert read.text("arn") == "arn:x"


def test_encrypted_secrets_of_a_state_cannot_be_determined() -> None:
    [read] = read_state(state(record(inputs={"key": {SIGNATURE: SECRET, "ciphertext": "v1:x"}})))
    with pytest.raises(Unknown, match="key is encrypted"):
        read.text("key")


@pytest.mark.parametrize(
    "document",
    [None, [], {}, {"deployment": None}, {"version": 99, "deployment": {}}, {"deployment": {"resources": {}}},
     state("x"), state({}), state({"urn": "x", "type": "aws:x/x:X"}), state({"urn": URN})],
)  # fmt: skip
def test_a_foreign_document_is_no_state(document: Any) -> None:
    with pytest.raises(Unreadable):
        read_state(document)


def test_an_empty_state_has_no_resources() -> None:
    assert read_state({"version": 3, "deployment": {}}) == ()


def test_a_preview_gives_what_would_be_there() -> None:
    steps = [
        {"op": "create-replacement", "newState": record(inputs={"size": 2, "key": REDACTED})},
        {"op": "replace", "newState": record(inputs={"size": 2, "key": REDACTED})},
        {"op": "delete", "oldState": {**record(), "urn": f"{URN}-old"}},
    ]
    [read] = read_preview({"steps": steps})
    assert read.number("size") == 2
    assert [one.name for one in read_base({"steps": steps})] == ["a-old"]
    with pytest.raises(Unknown):
        read.text("key")


@pytest.mark.parametrize(("op", "known"), [("same", ("x-1", "arn:x")), ("update", ("x-1", "")), ("replace", ("", ""))])
def test_what_an_update_leaves_as_it_was_is_known_at_preview(op: str, known: tuple[str, str]) -> None:
    step = {"op": op, "oldState": record(id="x-1"), "newState": record(outputs=None)}
    [read] = read_preview({"steps": [step]})
    assert (read.outputs.text("id"), read.outputs.text("arn")) == known


@pytest.mark.parametrize("document", [None, [], {}, {"steps": {}}, {"steps": [{"newState": {"urn": "x"}}]}])
def test_a_foreign_document_is_no_preview(document: Any) -> None:
    with pytest.raises(Unreadable):
        read_preview(document)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("inputs", ["x"]),
        ("outputs", 1.5),
        ("parent", {}),
        ("provider", ["p"]),
        ("dependencies", True),
        ("dependencies", [1]),
        ("propertyDependencies", ["x"]),
        ("propertyDependencies", {"size": 1}),
        ("ignoreChanges", "size"),
        ("additionalSecretOutputs", "exempt"),
        ("sourcePosition", {"line": 1}),
    ],
)
def test_a_record_of_another_shape_is_refused_by_name(field: str, value: Any) -> None:
    with pytest.raises(Unreadable, match=f"the {field} of {URN} are not what the engine writes there"):
        read_state(state(record(**{field: value})))
