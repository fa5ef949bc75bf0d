"""The configuration file of a pack means the same without the engine, and is refused with its place."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from policies.crossguard.configuration import Level, default_level
from policies.crossguard.configuration_file import read_configuration_file
from policies.options import BadConfiguration
from policies.registry import everything

CONTROLS = everything().controls
TLS, OTHER = everything().control("TLS-004"), next(one for one in CONTROLS if one.id != "TLS-004")


def written(folder: Path, document: Any) -> Path:
    path = folder / "policies.json"
    path.write_text(document if isinstance(document, str) else json.dumps(document))
    return path


def test_a_level_stands_alone_or_beside_options_and_all_means_whoever_has_none(tmp_path: Path) -> None:
    document = {"all": {"enforcementLevel": "advisory", "strict": True}, "TLS-004": "remediate"}
    read = read_configuration_file(CONTROLS, written(tmp_path, document))
    assert TLS is not None
    assert read.level(TLS) is Level.REMEDIATE
    assert read.level(OTHER) is Level.ADVISORY
    assert read.pack.strict


def test_what_is_not_said_keeps_its_default(tmp_path: Path) -> None:
    read = read_configuration_file(CONTROLS, written(tmp_path, {}))
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
        read_configuration_file(CONTROLS, written(tmp_path, document))
    assert "policies.json" in str(refused.value)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadConfiguration, match="cannot be read"):
        read_configuration_file(CONTROLS, tmp_path / "none.json")
