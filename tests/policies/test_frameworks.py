"""The framework files: complete, and refused where they are not what they should be."""

from __future__ import annotations

from pathlib import Path

import pytest

from policies.frameworks import FRAMEWORKS, BadFramework, framework, read_framework

COUNTS = {"soc2": 61, "iso27001": 93, "gdpr": 45, "pci_dss": 63}
"""Of the frameworks' own public structure."""


@pytest.mark.parametrize("name", FRAMEWORKS)
def test_every_requirement_is_there(name: str) -> None:
    assert len(framework(name).requirements) == COUNTS[name]


@pytest.mark.parametrize("name", FRAMEWORKS)
def test_what_no_check_decides_says_why(name: str) -> None:
    assert framework(name).requirements
    for id_, requirement in framework(name).requirements.items():
        assert bool(requirement.reason) != bool(requirement.automated), id_


def test_ids_run_through_without_gaps() -> None:
    assert list(framework("gdpr").requirements) == [f"Art. {number}" for number in range(5, 50)]
    assert [f"A.8.{number}" for number in range(1, 35)] == [
        id_ for id_ in framework("iso27001").requirements if id_[:4] == "A.8."
    ]


@pytest.mark.parametrize(
    ("name", "id_", "requirement"),
    [
        ("gdpr", "Art. 32(1)(a)", "Art. 32"),
        ("gdpr", "Art. 5", "Art. 5"),
        ("pci_dss", "12.10.5.1", "12.10"),
        ("iso27001", "A.8.24", "A.8.24"),
        ("pci_dss", "13.1", None),
        ("soc2", "CC6", None),
        ("gdpr", "Art. 50", None),
    ],
)
def test_a_finer_id_counts_for_the_requirement_it_is_part_of(name: str, id_: str, requirement: str | None) -> None:
    assert framework(name).requirement_of(id_) == requirement


def test_an_unknown_framework_is_refused_with_those_there_are() -> None:
    with pytest.raises(BadFramework, match="hipaa is no known framework: there are soc2, iso27001"):
        framework("hipaa")


HEAD = "id: test\nname: Test\nedition: first\nunit: rules\nrequirements:\n"


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (HEAD + "  A: {title: Rule}\n", "exactly one of"),
        (HEAD + "  A: {title: Rule, automated: true, organisational: no}\n", "organisational"),
        (HEAD + "  1.1: {title: Rule, automated: true}\n", "put it in quotes"),
        (HEAD + "  A: {title: Rule, automated: true}\n  A: {title: Rule, automated: true}\n", "stands here twice"),
        (HEAD.replace("id: test", "id: other") + "  A: {title: Rule, automated: true}\n", "must be its file's name"),
        (HEAD + "  A: {title: Rule, automated: true, text: copied}\n", "text"),
        ("- a list", "valid dictionary"),
        ("{", "test.yaml"),
    ],
)
def test_a_malformed_file_is_refused_with_its_place(tmp_path: Path, text: str, fault: str) -> None:
    path = tmp_path / "test.yaml"
    path.write_text(text)
    with pytest.raises(BadFramework, match=fault) as refused:
        read_framework(path)
    assert str(path) in str(refused.value)
