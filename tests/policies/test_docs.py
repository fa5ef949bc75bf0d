"""What is published about the controls is what they are, and what README tells other projects works."""

from __future__ import annotations

import ast
import re
import sys
from pathlib import Path

import pytest

from policies.configuration import Level, read_configuration_file
from policies.docs import FOLDER, README, pages, readme
from policies.frameworks import FRAMEWORKS, framework
from policies.registry import everything

POLICIES = FOLDER.parents[1] / "policies"
ANEW = "run python -m policies.docs"


def test_the_pages_are_those_of_the_registry() -> None:
    written = pages(everything())
    assert {path for path in FOLDER.iterdir() if path.suffix == ".md"} == written.keys(), ANEW
    for path, text in written.items():
        assert path.read_text(encoding="utf-8") == text, f"{path.name}: {ANEW}"


def test_the_table_in_readme_is_that_of_the_registry() -> None:
    text = README.read_text(encoding="utf-8")
    assert "| theme |" in text
    assert readme(text, everything()) == text, ANEW
    assert readme(text.replace("| theme |", "| topic |"), everything()) == text


@pytest.mark.parametrize("name", FRAMEWORKS)
def test_a_page_has_every_requirement_and_says_what_is_behind_it(name: str) -> None:
    text = (FOLDER / f"{name}.md").read_text(encoding="utf-8")
    assert framework(name).requirements
    for id_, requirement in framework(name).requirements.items():
        [row] = [line for line in text.splitlines() if line.startswith(f"| {id_} |")]
        assert requirement.reason in row
        assert ("](controls.md#" in row) == bool(requirement.automated)


def test_links_from_requirements_lead_to_controls() -> None:
    anchors = set(re.findall(r'<a id="(.+?)">', (FOLDER / "controls.md").read_text(encoding="utf-8")))
    assert anchors == {control.id.lower() for control in everything().controls}
    for name in FRAMEWORKS:
        text = (FOLDER / f"{name}.md").read_text(encoding="utf-8")
        assert set(re.findall(r"controls\.md#([\w-]+)", text)) <= anchors


def test_the_configuration_that_readme_gives_is_taken_by_the_pack_that_it_names(tmp_path: Path) -> None:
    text = README.read_text(encoding="utf-8")
    path = tmp_path / "policies.json"
    path.write_text(re.findall(r"```json\n(.*?)```", text, re.DOTALL)[0])
    assert "`--policy-pack-config policies.json` after the pack" in text
    pack = re.findall(r"--policy-pack fortress/policies/(\w+)", text)[0]
    registry = everything().select(framework=pack)
    configuration = read_configuration_file(registry, path)
    levels = {control.id: configuration.level(control) for control in registry.controls}
    assert levels["TLS-004"] is Level.REMEDIATE
    assert levels["LOG-006"] is levels["ENC-005"] is Level.MANDATORY


def test_a_pack_needs_no_more_than_readme_installs() -> None:
    """Read from the sources: what is loaded besides depends on what happens to be installed."""
    installed = {"pulumi", "pydantic", "pyyaml"}
    assert f"pip install {' '.join(sorted(installed))}" in README.read_text(encoding="utf-8")
    given = {"google", "grpc"}  # pulumi itself needs protobuf and grpcio
    modules = {"pulumi", "pydantic", "yaml"}
    for path in POLICIES.rglob("*.py"):
        if path.is_relative_to(POLICIES / "report"):
            continue
        strangers = _imported(path) - sys.stdlib_module_names - {"policies"} - modules - given
        assert not strangers, f"{path.relative_to(POLICIES)} imports {min(strangers)}"


def _imported(path: Path) -> set[str]:
    nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
    plain = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    return {name.partition(".")[0] for name in plain | {n.module or "" for n in nodes if isinstance(n, ast.ImportFrom)}}
