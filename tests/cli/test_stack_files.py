"""Derived settings files: rehearsals and numbered previews."""

from __future__ import annotations

import datetime
import shutil
from pathlib import Path

import pytest
import yaml

from cli.engine.stack_files import prepare_stack
from stacks.environment import ExecutionMode
from stacks.invalid_settings import InvalidSettings

ROOT = Path(__file__).resolve().parents[2]
TODAY = datetime.date(2030, 1, 1)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    folder = tmp_path / "stacks" / "config"
    folder.mkdir(parents=True)
    for name in ("local", "preview", "dev", "staging", "production"):
        shutil.copy(ROOT / "stacks" / "config" / f"Pulumi.{name}.yaml", folder)
    return tmp_path


@pytest.mark.parametrize("name", ["dev", "staging", "production", "preview-12"])
def test_a_rehearsal_differs_from_its_environment_in_the_accounts_only(checkout: Path, name: str) -> None:
    real = prepare_stack(checkout, name, TODAY)
    rehearsal = prepare_stack(checkout, f"rehearsal-{name}", TODAY)
    assert rehearsal.mode is ExecutionMode.REHEARSAL
    assert rehearsal.model_copy(update={"accounts": real.accounts}) == real


def test_a_numbered_preview_expires_a_week_after_it_was_first_named(checkout: Path) -> None:
    first = prepare_stack(checkout, "preview-3", TODAY)
    later = prepare_stack(checkout, "preview-3", TODAY + datetime.timedelta(days=5))
    assert first.expires == later.expires == datetime.date(2030, 1, 8)


def test_a_committed_file_is_never_written(checkout: Path) -> None:
    folder = checkout / "stacks" / "config"
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    for stack in ("local", "production", "rehearsal-production", "rehearsal-staging"):
        prepare_stack(checkout, stack, TODAY)
    assert before == {name: (folder / name).read_bytes() for name in before}


def test_the_error_for_an_unknown_environment_lists_the_known_ones(checkout: Path) -> None:
    with pytest.raises(InvalidSettings, match=r"dev, local, preview-<number>, production, staging"):
        prepare_stack(checkout, "qa", TODAY)


def test_the_error_for_a_file_that_is_not_yaml_names_its_line(checkout: Path) -> None:
    (checkout / "stacks" / "config" / "Pulumi.dev.yaml").write_text("config:\n  a: [1\n  b: 2\n")
    with pytest.raises(InvalidSettings, match=r"^stacks/config/Pulumi.dev.yaml:3: not YAML"):
        prepare_stack(checkout, "dev", TODAY)


def test_a_file_without_a_mapping_is_refused(checkout: Path) -> None:
    (checkout / "stacks" / "config" / "Pulumi.dev.yaml").write_text("just text\n")
    with pytest.raises(InvalidSettings, match="must be a mapping"):
        prepare_stack(checkout, "dev", TODAY)


def test_the_error_for_a_wrong_value_names_its_file(checkout: Path) -> None:
    path = checkout / "stacks" / "config" / "Pulumi.staging.yaml"
    document = yaml.safe_load(path.read_text())
    document["config"]["living-fortress:shardsPerHome"] = "many"
    path.write_text(yaml.safe_dump(document))
    with pytest.raises(InvalidSettings, match=r"^stacks/config/Pulumi.staging.yaml: living-fortress:shardsPerHome"):
        prepare_stack(checkout, "staging", TODAY)


def test_the_error_for_a_rehearsal_names_the_file_to_edit(checkout: Path) -> None:
    path = checkout / "stacks" / "config" / "Pulumi.staging.yaml"
    path.write_text(path.read_text().replace("backupRetentionDays: 14", "backupRetentionDays: 99"))
    with pytest.raises(InvalidSettings, match=r"^stacks/config/Pulumi.staging.yaml: .*backupRetentionDays = 99"):
        prepare_stack(checkout, "rehearsal-staging", TODAY)
