"""The configuration file of a pack means the same without the engine, and is refused with its place."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from policies.configuration import BadConfiguration, Level, default_level, read_configuration_file
from policies.frameworks import FRAMEWORKS
from policies.registry import everything

POLICIES = Path(__file__).parents[2] / "policies"
CONTROLS = everything().controls
TLS, OTHER = everything().control("TLS-004"), next(control for control in CONTROLS if control.id != "TLS-004")


def written(folder: Path, document: Any) -> Path:
    path = folder / "policies.json"
    path.write_text(document if isinstance(document, str) else json.dumps(document))
    return path


def test_a_level_stands_alone_or_beside_options_and_all_means_whoever_has_none(tmp_path: Path) -> None:
    document = {"all": {"enforcementLevel": "advisory", "strict": True}, "TLS-004": "remediate"}
    read = read_configuration_file(everything(), written(tmp_path, document))
    assert TLS is not None
    assert read.level(TLS) is Level.REMEDIATE
    assert read.level(OTHER) is Level.ADVISORY
    assert read.pack.strict


def test_what_is_not_said_keeps_its_default(tmp_path: Path) -> None:
    read = read_configuration_file(everything(), written(tmp_path, {}))
    assert {read.level(one) for one in CONTROLS} == {default_level(one) for one in CONTROLS}


@pytest.mark.parametrize(
    ("document", "fault"),
    [
        ("{", "cannot be read as JSON"),
        ([], "must be an object"),
        ({"TLS-004": 1}, "TLS-004: must be a level"),
        ({"TLS-004": "strictly"}, "TLS-004: 'strictly' is no level; there are advisory"),
        ({"TLS-4": "mandatory"}, "TLS-4 is no control"),
        ({"TLS-004": {"days": 1}}, "TLS-004: days"),
        ({"all": {"strict": "maybe"}}, "all: strict"),
    ],
)
def test_a_malformed_file_is_refused_with_its_place(tmp_path: Path, document: Any, fault: str) -> None:
    with pytest.raises(BadConfiguration, match=fault) as refused:
        read_configuration_file(everything(), written(tmp_path, document))
    assert "policies.json" in str(refused.value)


@pytest.mark.parametrize("framework", [*FRAMEWORKS, None])
def test_one_file_serves_every_pack(framework: str | None, tmp_path: Path) -> None:
    registry = everything().select(framework=framework)
    document = {
        "all": {"allowedRegions": ["eu-west-1"], "minimumDays": 9},
        "RES-001": "advisory",
        "NET-001": {"administrationPorts": [22]},
    }
    read = read_configuration_file(registry, written(tmp_path, document))
    assert set(read.options) == {control.id for control in registry.controls}
    own = read_configuration_file(registry, POLICIES / "configuration.json")
    assert set(own.options) == set(read.options)


@pytest.mark.parametrize(
    ("document", "fault"),
    [
        ({"all": {"allowedRegion": []}}, "all: allowedRegion is no option of any control of any pack"),
        ({"RES-999": "advisory"}, "RES-999 is no control of any pack"),
        ({"RES-001": {"allowedRegions": 1}}, "RES-001: allowedRegions: Input should be a valid list"),
    ],
)
def test_a_pack_refuses_what_no_pack_knows(tmp_path: Path, document: Any, fault: str) -> None:
    with pytest.raises(BadConfiguration, match=fault):
        read_configuration_file(everything().select(framework="pci_dss"), written(tmp_path, document))


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadConfiguration, match="cannot be read"):
        read_configuration_file(everything(), tmp_path / "none.json")
