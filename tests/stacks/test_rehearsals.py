"""The life of every environment under the real engine and its policies: up, unchanged, changed, drifted, gone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pulumi import automation as auto

from tests.stacks import judged

LIVES = (
    "preview-7",
    # The same lines with more of everything: they come up and go in every run, and live in full ones.
    *(pytest.param(name, marks=pytest.mark.full) for name in ("dev", "staging", "production")),
)
PROTECTED = ("staging", "production")
PREVIEWED = "preview-7"
"""The environment whose preview is compared with the run; one is enough."""
MANY = 300
"""Fewest passes, in the smallest environment."""
DRIFTED = "aws:kms/key:Key"

pytestmark = pytest.mark.engine


@pytest.mark.parametrize("rehearsed", LIVES, indirect=True)
def test_an_environment_comes_up_stays_changes_is_repaired_and_goes(rehearsed: Any, update_golden: bool) -> None:
    assert set(rehearsed.preview()) == {"create"}
    comes_up(rehearsed, update_golden)
    assert set(rehearsed.up()) == {"same"}

    rehearsed.set("database.backupRetentionDays", 8)
    if rehearsed.name == PREVIEWED:
        assert rehearsed.preview() == rehearsed.up()
    else:
        result = rehearsed.up()
        assert result["update"] >= 1
        assert set(result) == {"same", "update"}

    drift(rehearsed)
    refreshed = rehearsed.stack.refresh().summary.resource_changes or {}
    assert refreshed["update"] == 1
    assert rehearsed.up()["update"] == 1
    goes(rehearsed)


@pytest.mark.parametrize(
    "rehearsed", [pytest.param("dev", marks=pytest.mark.full), "staging", "production"], indirect=True
)
def test_an_environment_comes_up_and_goes(rehearsed: Any, update_golden: bool) -> None:
    comes_up(rehearsed, update_golden)
    goes(rehearsed)


def comes_up(rehearsed: Any, update_golden: bool) -> None:
    assert set(rehearsed.up()) == {"create"}
    same_as_golden(rehearsed, update_golden)
    assert judged.faults(rehearsed.state()) == []
    assert judged.count_passes(rehearsed.state()) > MANY
    assert not secrets_in(rehearsed)


def goes(rehearsed: Any) -> None:
    stack: auto.Stack = rehearsed.stack
    if rehearsed.name in PROTECTED:
        with pytest.raises(auto.CommandError, match="cannot be deleted"):
            stack.destroy()
        unprotect(stack)
    stack.destroy()
    assert rehearsed.resources() == []
    assert list(rehearsed.records()) == []


def same_as_golden(rehearsed: Any, update: bool) -> None:
    path, lines = rehearsed.golden_file, rehearsed.golden_lines()
    if update:
        path.write_text("\n".join(lines) + "\n")
    assert lines == path.read_text().splitlines(), (
        f"review the change, then run pytest {Path(__file__).parent} --update-golden"
    )


def drift(rehearsed: Any) -> None:
    """Change a key outside of Pulumi."""
    path, record = next((path, record) for path, record in rehearsed.records() if record["type"] == DRIFTED)
    record["inputs"]["deletionWindowInDays"] = 7
    path.write_text(json.dumps(record))


def unprotect(stack: auto.Stack) -> None:
    state = stack.export_stack()
    assert state.deployment is not None
    for resource in state.deployment["resources"]:
        resource.pop("protect", None)
    stack.import_stack(state)


def secrets_in(rehearsed: Any) -> list[str]:
    """Places in the state, or in the emulators' records, that hold a key or password in clear text."""
    telling = ("PRIVATE KEY-----", "eyJhbGciOi")
    state = json.dumps(rehearsed.stack.export_stack().deployment)
    found = [word for word in telling if word in state]
    passwords = [
        f"{resource['urn']}: {path}"
        for resource in rehearsed.resources()
        for part in ("inputs", "outputs")
        for path, value in leaves(resource.get(part) or {})
        if any(word in path.lower() for word in ("password", "presharedkey", "sharedkey", "sharedsecret"))
        and isinstance(value, str)
        and len(value) > 7
        and value not in ("Disabled", "Enabled")
        and not value.startswith(("arn:", "https://"))
    ]
    records = [str(path) for path, record in rehearsed.records() if any(word in json.dumps(record) for word in telling)]
    return found + passwords + records


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        if "4dabf18193072939515e22adb298388d" in value:  # the engine's mark of an encrypted value
            return
        for key, item in value.items():
            yield from leaves(item, f"{path}.{key}")
    elif isinstance(value, list):
        for item in value:
            yield from leaves(item, path)
    else:
        yield path, value
