"""Settings files of derived stacks (rehearsals and numbered previews), made from committed ones."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from localcloud.sandbox import write_atomically
from stacks.environment import PROJECT, REHEARSAL_ACCOUNTS, REHEARSAL_PREFIX, Environment, read_environment
from stacks.invalid_settings import InvalidSettings

PREVIEW = "preview"
PREVIEW_DAYS = 7
READABLE = 0o644


def settings_folder(checkout: Path) -> Path:
    """Return the folder in which Pulumi finds the settings files of the stacks."""
    return checkout / "stacks" / "config"


def prepare_stack(checkout: Path, stack: str, today: datetime.date) -> Environment:
    """Read the environment of a stack; write the settings file of a derived one first.

    Raises InvalidSettings, which names the committed file to edit.
    """
    folder = settings_folder(checkout)
    edited = _edited_file(folder, stack.removeprefix(REHEARSAL_PREFIX))
    settings = _read_settings(edited, today)
    if stack.startswith(REHEARSAL_PREFIX):
        settings = make_rehearsal(settings, _read(folder / "Pulumi.local.yaml"))
    if edited.name != f"Pulumi.{stack}.yaml":
        _write(folder, stack, settings)
    return read_environment(stack, settings.get("config") or {}, str(edited.relative_to(checkout)))


def make_rehearsal(source: Mapping[str, Any], local: Mapping[str, Any]) -> dict[str, Any]:
    """Return an environment's settings with the fake accounts of rehearsals, and the encryption salt of `local`."""
    accounts = REHEARSAL_ACCOUNTS.model_dump(by_alias=True)
    salt = {"encryptionsalt": local["encryptionsalt"]} if "encryptionsalt" in local else {}
    return {**salt, "config": {**(source.get("config") or {}), f"{PROJECT}:accounts": accounts}}


def _edited_file(folder: Path, name: str) -> Path:
    """Return the file to edit for an environment; a numbered preview without a file uses the template."""
    own = folder / f"Pulumi.{name}.yaml"
    return folder / f"Pulumi.{PREVIEW}.yaml" if name.startswith(f"{PREVIEW}-") and not own.exists() else own


def _read_settings(edited: Path, today: datetime.date) -> dict[str, Any]:
    """Read the file; settings from the template of previews also get an expiry date."""
    settings = _read(edited)
    if edited.name != f"Pulumi.{PREVIEW}.yaml":
        return settings
    expires = (today + datetime.timedelta(days=PREVIEW_DAYS)).isoformat()
    return {**settings, "config": {**(settings.get("config") or {}), f"{PROJECT}:expires": expires}}


def _read(path: Path) -> dict[str, Any]:
    name = f"{path.parent.parent.name}/{path.parent.name}/{path.name}"
    try:
        document = yaml.safe_load(path.read_text())
    except FileNotFoundError:
        raise InvalidSettings(f"{name} does not exist; environments: {', '.join(_known(path.parent))}") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f":{mark.line + 1}" if mark else ""
        raise InvalidSettings(f"{name}{where}: not YAML: {getattr(error, 'problem', error)}") from None
    if not isinstance(document, dict):
        raise InvalidSettings(f"{name}: must be a mapping with a key `config`")
    return document


def _known(folder: Path) -> list[str]:
    names = sorted(path.name.removeprefix("Pulumi.").removesuffix(".yaml") for path in folder.glob("Pulumi.*.yaml"))
    return [f"{name}-<number>" if name == PREVIEW else name for name in names if not name.startswith(REHEARSAL_PREFIX)]


def _write(folder: Path, stack: str, document: Mapping[str, Any]) -> None:
    text = yaml.safe_dump(dict(document), sort_keys=False)
    path = folder / f"Pulumi.{stack}.yaml"
    if not path.exists() or path.read_text() != text:
        write_atomically(path, text, mode=READABLE)
