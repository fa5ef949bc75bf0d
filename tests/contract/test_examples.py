"""Nothing right is refused: example programs that others wrote, and inputs after the services' own documentation."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from localcloud import contract
from localcloud.contract import UNKNOWN, AssetValue

HERE = Path(__file__).resolve().parent
OTHER_TYPES = 120
FEWEST_RESOURCES = {"aws": 150, "gcp": 150, "kubernetes": 10}
WRONG_IN_THE_EXAMPLES = {
    ("aws:servicecatalog/serviceAction:ServiceAction", "definition.version"),  # left out, though it is required
    ("gcp:compute/address:Address", "name"),  # ends in a hyphen, where a suffix was cut off
    ("gcp:compute/subnetwork:Subnetwork", "name"),  # has an underscore, where a suffix was filled in
    ("gcp:dns/recordSet:RecordSet", "rrdatas[0]"),  # an address that only a real machine has
}
"""Placeholders at which an example says what the cloud refuses."""


def real(value: Any) -> Any:
    """A value of the printed resources as the provider's wire gives it."""
    if value == {"unknown": True}:
        return UNKNOWN
    if value == {"file": True}:
        return AssetValue("archive")
    if isinstance(value, dict):
        return {key: real(inner) for key, inner in value.items()}
    return [real(inner) for inner in value] if isinstance(value, list) else value


def resources_of_examples(package: str) -> Iterator[tuple[str, dict[str, Any]]]:
    command = [sys.executable, str(HERE / "example_programs.py"), package, str(OTHER_TYPES)]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    for line in printed.splitlines():
        token, inputs = json.loads(line)
        if token.startswith(f"{package}:"):
            yield token, real(inputs)


@pytest.mark.full
@pytest.mark.parametrize("package", ["aws", "gcp", "kubernetes"])
def test_the_example_programs_of_the_sdks_documentation_are_accepted(package: str) -> None:
    resources = list(resources_of_examples(package))
    refused = [
        (token, problem)
        for token, inputs in resources
        for problem in contract.check(package, token, inputs).problems
        if (token, problem.path) not in WRONG_IN_THE_EXAMPLES
    ]
    assert not refused
    assert len(resources) >= FEWEST_RESOURCES[package]


EXAMPLES = yaml.safe_load((HERE / "examples.yaml").read_text())


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example["type"])
def test_inputs_after_the_services_documentation_are_accepted(example: dict[str, Any]) -> None:
    token = example["type"]
    assert contract.check(token.partition(":")[0], token, example["inputs"]).problems == ()
