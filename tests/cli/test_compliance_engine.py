"""`fortress compliance` on an environment of this project: the real engine, emulators that only record."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from localcloud.sandbox import CHECKOUT, Sandbox
from policies.report import Report
from policies.report.writers import json_document

pytestmark = pytest.mark.engine

ENVIRONMENT = "preview-41"
COMMAND = "import sys; from cli.main import main; sys.argv[0] = 'fortress'; main()"


def fortress(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", COMMAND, *arguments], cwd=CHECKOUT, env={**os.environ}, capture_output=True, text=True
    )


def report(*arguments: str) -> Report:
    answer = fortress("compliance", "report", "-s", ENVIRONMENT, "--json", *arguments)
    assert answer.returncode in (0, 1), answer.stderr
    return json_document.read(answer.stdout)


def verdicts(of: Report) -> dict[tuple[str, str], Any]:
    return {(verdict.control, verdict.urn): verdict.status for verdict in of.verdicts}


def test_a_report_judges_a_preview_without_a_state_and_names_its_source(sandbox: Sandbox, tmp_path: Path) -> None:
    before = report()
    assert (before.source.kind, before.source.simulated) == ("preview", True)
    assert before.source.origin == f"a preview of rehearsal-{ENVIRONMENT} against nothing"
    assert before.source.environment == ENVIRONMENT
    assert before.tally.passed > 100
    assert before.tally.not_determinable > 0

    assert fortress("env", "rehearse", "--env", ENVIRONMENT).returncode == 0
    state = report("--out", str(tmp_path))
    assert (state.source.kind, state.source.origin) == ("state", f"the state of rehearsal-{ENVIRONMENT}")
    assert state.source.taken is not None
    assert verdicts(state).keys() == verdicts(before).keys()
    assert state.tally.not_determinable == 0
    assert (tmp_path / "compliance.html").exists()
    assert all(found.file for found in state.resources if found.cloud != "any" and "providers" not in found.type)

    unchanged = report("--preview")
    assert unchanged.source.origin == f"a preview of rehearsal-{ENVIRONMENT} against what is deployed"
    assert verdicts(unchanged) == verdicts(state)

    comment = fortress("env", "preview-comment", "--env", ENVIRONMENT).stdout
    assert "### Compliance" in comment
    assert "**No new violations found; " in comment


def test_without_a_terminal_a_report_prints_progress_to_stderr_and_json_to_stdout(sandbox: Sandbox) -> None:
    answer = fortress("compliance", "report", "-s", ENVIRONMENT, "--json", "--framework", "soc2")
    assert f"previewing rehearsal-{ENVIRONMENT} ..." in answer.stderr
    assert [framework["id"] for framework in json.loads(answer.stdout)["frameworks"]] == ["soc2"]
