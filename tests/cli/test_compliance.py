"""`fortress compliance` on exported files: its reports, exit statuses and error lines."""

from __future__ import annotations

import datetime
import json
import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from cli.compliance.gate import PolicyViolations
from cli.compliance.report import JudgedPreview
from cli.main import main
from policies.exemptions import exempt
from policies.report import FORMATS
from policies.report.writers import json_document
from policies.values import SECRET, SIGNATURE, UNKNOWNS
from policies.verdicts import Status

SERVER = "gcp:sql/databaseInstance:DatabaseInstance"
GOOD = {"settings": {"ipConfiguration": {"sslMode": "ENCRYPTED_ONLY"}}}
BAD = {"settings": {"ipConfiguration": {"sslMode": "ALLOW_UNENCRYPTED_AND_ENCRYPTED"}}}
UNKNOWN = min(UNKNOWNS)
HIDDEN = {"settings": {"ipConfiguration": {"sslMode": {SIGNATURE: SECRET, "ciphertext": "v1:x"}}}}
ONLY = {"all": "disabled", "TLS-004": "mandatory"}
ENTRY = {
    "check": "TLS-004",
    "urn": "*::db",
    "owner": "platform",
    "ticket": "LF-1",
    "reason": "the old clients speak no TLS",
    "expires": "2030-06-01",
}
AT = ("--at", "2030-01-01")


def record(name: str, inputs: Any, *, stack: str = "old", project: str = "shop", **more: Any) -> dict[str, Any]:
    urn = f"urn:pulumi:{stack}::{project}::{SERVER}::{name}"
    return {"urn": urn, "type": SERVER, "custom": True, "id": name, "inputs": inputs, "outputs": inputs, **more}


def state(*records: dict[str, Any]) -> dict[str, Any]:
    manifest = {"time": "2029-12-31T10:00:00.123456789Z", "version": "v3.259.0"}
    return {"version": 3, "deployment": {"manifest": manifest, "resources": list(records)}}


@dataclass(frozen=True)
class Answer:
    status: int
    out: str
    error: str


Fortress = Callable[..., Answer]


@pytest.fixture
def fortress(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Fortress:
    """The command as its caller sees it."""

    def run(*arguments: Any) -> Answer:
        monkeypatch.setattr(sys, "argv", ["fortress", "compliance", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        printed = capsys.readouterr()
        return Answer(int(ended.value.code or 0), printed.out, printed.err)

    return run


@pytest.fixture
def file(tmp_path: Path) -> Callable[[str, Any], Path]:
    def write(name: str, document: Any) -> Path:
        path = tmp_path / name
        path.write_text(document if isinstance(document, str) else json.dumps(document))
        return path

    return write


@pytest.fixture
def judged(fortress: Fortress, file: Any, tmp_path: Path) -> Callable[..., Answer]:
    """Return a report on a state by a single control."""

    def report(document: Any, *more: Any, levels: Any = ONLY) -> Answer:
        config = file("levels.json", levels)
        out = tmp_path / "out"
        return fortress("report", "--state", file("state.json", document), "--config", config, "--out", out, *AT, *more)

    return report


def test_a_clean_state_ends_with_0_and_the_whole_set_of_files(judged: Any, tmp_path: Path) -> None:
    answer = judged(state(record("db", GOOD)))
    assert answer.status == 0, answer.error
    assert "No violations found." in answer.out
    assert {path.name for path in (tmp_path / "out").iterdir()} == {format_.file for format_ in FORMATS.values()}
    report = json_document.read((tmp_path / "out" / "compliance.json").read_text())
    assert [verdict.status for verdict in report.verdicts] == [Status.PASS]
    assert (report.source.project, report.source.stack, report.source.engine) == ("shop", "old", "3.259.0")
    assert report.source.taken is not None
    assert report.source.taken.isoformat() == "2029-12-31T10:00:00+00:00"


def test_a_blocking_violation_ends_with_1_and_its_name(judged: Any) -> None:
    answer = judged(state(record("db", BAD)))
    assert answer.status == 1
    assert "1 violation, 1 of them blocking:" in answer.out
    assert "sslMode is ALLOW_UNENCRYPTED_AND_ENCRYPTED" in answer.out
    assert "0 of 1 (0%)" in answer.out


def test_a_violation_that_only_warns_ends_with_0(judged: Any) -> None:
    answer = judged(state(record("db", BAD)), levels={**ONLY, "TLS-004": "advisory"})
    assert answer.status == 0
    assert "1 violation, 0 of them blocking:" in answer.out


@pytest.mark.slow
def test_an_encrypted_value_is_not_determinable_and_under_strict_a_violation(judged: Any) -> None:
    document = state(record("db", HIDDEN), record("other", GOOD))
    answer = judged(document)
    assert answer.status == 0
    assert "1 not determinable" in answer.out
    assert "No violations found, but 1 verdict could not be determined." in answer.out
    assert judged(document, "--strict").status == 1
    strict = {**ONLY, "all": {"strict": True, "enforcementLevel": "disabled"}}
    assert judged(document, levels=strict).status == 1


@pytest.mark.parametrize("strict", [(), ("--strict",)])
@pytest.mark.parametrize(
    "document",
    [
        state(),
        state({"urn": "urn:pulumi:old::shop::random:index:Pet::x", "type": "random:index:Pet", "inputs": {"a": 1}}),
    ],
)
def test_where_nothing_is_evaluated_there_is_no_data_and_no_clean_end(
    judged: Any, document: Any, strict: tuple[str, ...]
) -> None:
    answer = judged(document, *strict)
    assert answer.status == 3
    assert "No data: nothing was evaluated." in answer.out
    assert "no data" in answer.out
    assert "100%" not in answer.out
    assert answer.error == "error: nothing was evaluated: no check could judge anything that is there\n"


def test_where_all_is_encrypted_nothing_is_evaluated(judged: Any) -> None:
    answer = judged(state(record("db", HIDDEN)))
    assert (answer.status, "No data: nothing was evaluated." in answer.out) == (3, True)
    assert judged(state(record("db", HIDDEN)), "--strict").status == 1


def test_the_figures_stand_there_without_exemptions_too(judged: Any, file: Any) -> None:
    exemptions = file("exemptions.yaml", json.dumps([ENTRY]))
    document = state(record("db", BAD), record("other", GOOD))
    lines = judged(document, "--exemptions", exemptions).out.splitlines()
    [place] = [number for number, line in enumerate(lines) if line.startswith("SOC 2")]
    assert "1 of 1 (100%)" in lines[place]
    assert lines[place + 1].startswith("  without exemptions")
    assert "1 of 2 (50%)" in lines[place + 1]
    assert "without exemptions" not in judged(document).out


@pytest.mark.parametrize(
    ("names", "folder"),
    [
        ({"stack": "production"}, "shop.production"),
        ({"stack": "../../../etc"}, "shop.-etc"),
        ({"stack": "a/b c", "project": ".."}, "-.a-b-c"),
        ({"stack": "production", "project": "living-fortress"}, "production"),
        ({"stack": "rehearsal-dev", "project": "living-fortress"}, "dev"),
        ({"stack": "../x", "project": "living-fortress"}, "-x"),
    ],
)
def test_a_foreign_state_takes_no_place_but_its_own(
    fortress: Fortress, file: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, names: Any, folder: str
) -> None:
    monkeypatch.setattr("cli.compliance.report.FOLDER", tmp_path / "one" / "two" / "reports")
    fortress("report", "--state", file("s.json", state(record("db", GOOD, **names))), "--format", "json", *AT)
    assert [path.relative_to(tmp_path / "one") for path in (tmp_path / "one").rglob("compliance.json")] == [
        Path("two", "reports", folder, "compliance.json")
    ]


def test_the_same_file_at_the_same_moment_gives_the_same_bytes(judged: Any, tmp_path: Path) -> None:
    def contents() -> dict[str, bytes]:
        judged(state(record("db", BAD), record("other", GOOD)))
        return {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}

    assert contents() == contents()


def test_an_exemption_covers_until_its_last_day(judged: Any, file: Any) -> None:
    exemptions = file("exemptions.yaml", json.dumps([ENTRY]))
    document = state(record("db", BAD))
    assert judged(document, "--exemptions", exemptions).status == 0
    later = judged(document, "--exemptions", exemptions, "--at", "2030-06-02")
    assert later.status == 1
    assert "exemption without effect: TLS-004 on *::db: expired on 2030-06-01" in later.out


def test_a_malformed_exemption_in_code_exempts_nothing_and_is_told(judged: Any) -> None:
    note = exempt("TLS-004", expires=_day(), owner="o", ticket="t", reason="the old clients").replace(
        "expires", "until"
    )
    answer = judged(state(record("db", BAD, additionalSecretOutputs=[note])))
    assert answer.status == 1
    assert "exemption in code: expires: Field required" in answer.out


def _day() -> Any:

    return datetime.date(2031, 1, 1)


def test_json_goes_to_the_output_alone(judged: Any, fortress: Fortress, file: Any) -> None:
    answer = fortress("report", "--state", file("s.json", state(record("db", BAD))), "--json", *AT)
    assert answer.status == 1
    assert json_document.read(answer.out).source.stack == "old"
    assert answer.error == ""


def test_a_folder_holds_one_report_only(judged: Any, tmp_path: Path) -> None:
    judged(state(record("db", BAD)))
    judged(state(record("db", GOOD)), "--format", "csv", "--format", "json")
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"compliance.csv", "compliance.json"}


def test_a_framework_selects_its_controls_and_its_requirements(judged: Any, tmp_path: Path) -> None:
    judged(state(record("db", BAD)), "--framework", "gdpr", levels={})
    report = json_document.read((tmp_path / "out" / "compliance.json").read_text())
    assert [framework.id for framework in report.frameworks] == ["gdpr"]
    assert all(control.requirements["gdpr"] for control in report.controls)


@pytest.mark.parametrize(
    ("arguments", "files", "fault"),
    [
        (("--state", "{none}"), {}, "cannot be read as a state"),
        (("--state", "{state}", "--preview"), {"state": state()}, "neither --preview nor --real"),
        (("--state", "{state}"), {"state": "{"}, "cannot be read as a state"),
        (("--state", "{state}"), {"state": {"steps": []}}, "this is no state of a stack"),
        (
            ("--state", "{state}"),
            {"state": {"deployment": {"manifest": [1]}}},
            "the deployment's manifest is no object",
        ),
        (("--state", "{state}"), {"state": "[" * 100_000}, "cannot be read as a state"),
        (("--state", "{state}"), {"state": state(record("a", ["x"]))}, "the inputs of urn:pulumi:old::shop::"),
        (("--state", "{state}"), {"state": {"version": 9, "deployment": {}}}, "of version 9"),
        (
            ("--state", "{state}"),
            {"state": state(record("a", GOOD), record("b", GOOD, stack="new"))},
            "belong to several stacks: shop/new, shop/old",
        ),
        (
            ("-s", "production", "--state", "{state}"),
            {"state": state(record("a", GOOD))},
            "holds the state of shop/old, not of production",
        ),
        (
            ("-s", "production", "--state", "{state}"),
            {"state": state(record("a", GOOD, stack="production"))},
            "holds the state of shop/production, not of production",
        ),
        (
            ("-s", "production", "--state", "{state}"),
            {"state": state(record("a", GOOD, stack="staging", project="living-fortress"))},
            "holds the state of living-fortress/staging, not of production",
        ),
        (("-s", "nowhere"), {}, "Pulumi.nowhere.yaml does not exist"),
        (("--state", "{state}", "--framework", "hipaa"), {"state": state()}, "hipaa is no known framework"),
        (("--state", "{state}", "--format", "pdf"), {"state": state()}, "pdf is no known format"),
        (("--state", "{state}", "--config", "{config}"), {"state": state(), "config": "{"}, "cannot be read as JSON"),
        (
            ("--state", "{state}", "--config", "{config}"),
            {"state": state(), "config": {"TLS-4": "mandatory"}},
            "TLS-4 is no control",
        ),
        (
            ("--state", "{state}", "--exemptions", "{exemptions}"),
            {"state": state(), "exemptions": [{**ENTRY, "expires": "never"}, {}]},
            "entry 1: expires: ",
        ),
        (
            ("--state", "{state}", "--exemptions", "{exemptions}"),
            {"state": state(), "exemptions": [{**ENTRY, "check": "TLS-4"}]},
            "names TLS-4, which is no control",
        ),
        (
            ("--state", "{state}", "--baseline", "{baseline}"),
            {"state": state(), "baseline": "recorded: 2030-01-01\n"},
            "Field required",
        ),
        (("--state", "{state}", "--out", "{state}"), {"state": state()}, "File exists"),
    ],
)
def test_bad_input_ends_with_2_and_one_line(
    fortress: Fortress, file: Any, tmp_path: Path, arguments: Sequence[str], files: dict[str, Any], fault: str
) -> None:
    paths = {name: file(name, document) for name, document in files.items()}
    given = [argument.format(none=tmp_path / "none", **paths) for argument in arguments]
    answer = fortress("report", *AT, *given)
    assert answer.status == 2, answer
    [line] = answer.error.splitlines()
    assert line.startswith("error: ")
    assert fault in line
    assert answer.out == ""


def test_a_failure_that_is_nobodys_input_ends_with_3(
    fortress: Fortress, file: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any, **__: Any) -> Any:
        raise RuntimeError("oh")

    monkeypatch.setattr("cli.compliance.report.judge", broken)
    answer = fortress("report", "--state", file("s.json", state()))
    assert (answer.status, answer.error) == (3, "error: oh\n")


def test_the_state_of_a_rehearsal_is_that_of_its_environment(fortress: Fortress, file: Any) -> None:
    document = state(record("a", GOOD, stack="rehearsal-production", project="living-fortress"))
    answer = fortress("report", "-s", "production", "--state", file("s.json", document), "--json", *AT)
    source = json_document.read(answer.out).source
    assert (source.environment, source.simulated) == ("production", True)


def test_exemptions_are_listed_with_the_days_that_they_have_left(fortress: Fortress, file: Any) -> None:
    entries = [ENTRY, {**ENTRY, "urn": "*::old", "expires": "2029-12-01"}]
    path = file("exemptions.yaml", entries)
    lines = fortress("exemptions", "--exemptions", path, *AT).out.splitlines()
    assert "expired on 2029-12-01" in lines[1]
    assert "  151  " in lines[2]
    [first, second] = json.loads(fortress("exemptions", "--exemptions", path, *AT, "--json").out)
    assert (first["daysLeft"], second["daysLeft"]) == (-31, 151)


@pytest.mark.slow
def test_a_baseline_exempts_what_failed_when_it_was_taken_and_nothing_else(
    fortress: Fortress, judged: Any, file: Any, tmp_path: Path
) -> None:
    baseline = tmp_path / "baseline.yaml"
    old = file("old.json", state(record("db", BAD)))
    terms = ("--expires", "2030-07-01", "--owner", "platform", "--ticket", "LF-7")
    config = file("only.json", ONLY)
    taken = fortress("baseline", "--state", old, "--config", config, "--out", baseline, *terms, *AT)
    assert taken.status == 0, taken.error
    assert "1 finding of 1 control," in taken.out

    assert judged(state(record("db", BAD)), "--baseline", baseline).status == 0
    assert judged(state(record("db", BAD), record("new", BAD)), "--baseline", baseline).status == 1

    again = fortress("baseline", "--state", old, "--config", config, "--out", baseline, *terms, *AT)
    assert again.status == 2
    assert "File exists" in again.error


def step(op: str, old: Any, new: Any) -> dict[str, Any]:
    ours = {"stack": "rehearsal-dev", "project": "living-fortress"}
    states = {"oldState": old and record(*old, **ours), "newState": new and record(*new, **ours)}
    return {"op": op, "urn": "", **{name: state for name, state in states.items() if state}}


def test_the_comment_on_a_pull_request_tells_what_is_new_against_what_is_deployed() -> None:
    steps = [
        step("same", ("old", BAD), ("old", BAD)),
        step("update", ("worse", GOOD), ("worse", BAD)),
        step("update", ("better", BAD), ("better", GOOD)),
        step("delete", ("gone", BAD), None),
        step("create", None, ("new", BAD)),
    ]
    text = JudgedPreview.of({"steps": steps}).section
    point = text[text.index("**TLS-004**") :].partition("\n- ")[0]
    assert re.findall("`(.+)` in gcp: sslMode is", point) == ["new", "worse"]


def test_the_comment_tells_all_where_nothing_is_deployed() -> None:
    root = {"urn": "urn:pulumi:rehearsal-dev::living-fortress::pulumi:pulumi:Stack::s", "type": "pulumi:pulumi:Stack"}
    steps = [{"op": "same", "oldState": root, "newState": root}, step("create", None, ("new", BAD))]
    text = JudgedPreview.of({"steps": steps}).section
    assert "that the base has too" not in text
    assert "`new` in gcp: sslMode is" in text


def test_a_preview_for_a_comment_is_stopped_by_what_blocks_and_by_nothing_else() -> None:
    with pytest.raises(PolicyViolations) as stopped:
        JudgedPreview.of({"steps": [step("same", ("old", BAD), ("old", BAD))]}).stop()
    [line] = [line for line in str(stopped.value).splitlines() if line.startswith("TLS-004")]
    assert line.startswith(f"TLS-004: old ({SERVER}): Database connections require TLS: sslMode is ALLOW_")
    assert stopped.value.status == 1

    nothing = JudgedPreview.of({"steps": [step("delete", ("gone", BAD), None)]})
    nothing.stop()


def test_a_preview_for_a_comment_is_stopped_by_what_is_open_only_if_strict() -> None:
    unknown = {"settings": {"ipConfiguration": {"sslMode": UNKNOWN}}}
    steps = [step("create", None, ("late", unknown))]

    def lines(**how: bool) -> str:
        with pytest.raises(PolicyViolations) as stopped:
            JudgedPreview.of({"steps": steps}, **how).stop()
        return str(stopped.value)

    assert "TLS-004" not in lines()
    assert "TLS-004: late" in lines(strict=True)
