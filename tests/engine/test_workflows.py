"""The GitHub workflows: pinned actions, no more rights than needed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

WORKFLOWS = sorted((Path(__file__).parents[2] / ".github" / "workflows").glob("*.yml"))


@pytest.fixture(params=WORKFLOWS, ids=lambda path: path.name)
def workflow(request):
    return request.param


def test_every_action_is_pinned_by_digest_and_names_its_version(workflow):
    uses = re.findall(r"uses: *(.*)", workflow.read_text())
    assert [use for use in uses if not re.fullmatch(r"[\w./-]+@[0-9a-f]{40} # v\d+(\.\d+)*", use)] == []


def test_a_workflow_has_no_rights_but_those_it_names(workflow):
    permissions = yaml.safe_load(workflow.read_text())["permissions"]
    assert isinstance(permissions, dict)
    assert "write" not in permissions.values()


def test_runs_of_one_pull_request_do_not_pile_up(workflow):
    # YAML 1.1 takes the key `on` for a truth value.
    facts = yaml.safe_load(workflow.read_text())
    assert "concurrency" in facts or "pull_request" not in facts[True]
