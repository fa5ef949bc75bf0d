"""Recorded resources on disk: one JSON file each, replaced as a whole, readable and editable by people.

A digest stands for each secret property; its value is in the engine's encrypted state alone.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from localcloud.provider.naming import Urn
from localcloud.provider.properties import Properties, with_outputs
from localcloud.provider.wire import from_document, to_document
from localcloud.sandbox import Sandbox, write_atomically

NOT_IN_FILE_NAMES = re.compile(r"[^A-Za-z0-9.-]+")
LONGEST_NAME = 80
DIGEST_CHARACTERS = 16

Warn = Callable[[str, str], None]
"""Tells the user something about a resource: its URN, and the text."""


@dataclass(frozen=True)
class RecordedResource:
    """A resource as it was last made or changed."""

    urn: str
    type: str
    id: str
    inputs: Properties
    outputs: Properties = field(default_factory=dict)
    """What it has over and above its inputs; nested ones (metadata.uid) lie at their place."""
    generation: int = 0
    """How many resources its URN had before it, so that a replacement differs from what it replaces."""

    @property
    def state(self) -> Properties:
        """All its properties."""
        return with_outputs(self.inputs, self.outputs)


class ResourceStore:
    """The recorded resources of one package in one scope (an account's region, or a cluster).

    Stacks keep theirs apart: a resource is looked for in its own stack first. Only where that has none is it looked
    for elsewhere, as an import names what another stack made.
    """

    def __init__(self, sandbox: Sandbox, package: str, scope: str, warn: Warn) -> None:
        self._sandbox = sandbox
        sandbox.folder("records")
        sandbox.folder("records", package)
        self._root = sandbox.folder("records", package, _file_name(scope))
        self._warn = warn

    def get(self, urn: Urn, identity: str) -> RecordedResource | None:
        """The record of a resource, None where there is none that can be read."""
        path = self._find(urn, identity)
        return self._load(urn, path) if path else None

    def of_urn(self, urn: Urn) -> list[RecordedResource]:
        """Everything recorded for a URN, oldest first."""
        found = (self._load(urn, path) for path in self._folder(urn).glob(f"{_file_name(urn.name)}_*.json"))
        return sorted((r for r in found if r and r.urn == urn.text), key=lambda record: record.generation)

    def add(self, urn: Urn, record: RecordedResource) -> None:
        """Record a resource of the stack of `urn`."""
        self._write(self._path(urn, record.id), record)

    def put(self, urn: Urn, record: RecordedResource) -> None:
        """Record a resource anew where it is recorded already."""
        self._write(self._find(urn, record.id) or self._path(urn, record.id), record)

    def _write(self, path: Path, record: RecordedResource) -> None:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        document = {
            "urn": record.urn,
            "type": record.type,
            "id": record.id,
            "generation": record.generation,
            "inputs": to_document(record.inputs),
            "outputs": to_document(record.outputs),
        }
        write_atomically(path, json.dumps(document, indent=1, sort_keys=True) + "\n")

    def matching(self, urn: Urn, wanted: Mapping[str, Any]) -> RecordedResource | None:
        """The first resource of the type of `urn`, whatever stack made it, whose properties are as `wanted`."""
        for path in sorted(self._root.glob(f"*/{_file_name(urn.type)}/*.json")):
            record = self._load(urn, path)
            if record and all(
                record.id == value if key == "id" else record.state.get(key) == value for key, value in wanted.items()
            ):
                return record
        return None

    def remove(self, urn: Urn, identity: str) -> None:
        """Forget a resource; nothing happens where it is gone already."""
        path = self._find(urn, identity)
        if path:
            path.unlink(missing_ok=True)

    def _folder(self, urn: Urn) -> Path:
        stack = f"{_file_name(urn.project)}_{_file_name(urn.stack)}"
        return self._root / stack / _file_name(urn.type)

    def _path(self, urn: Urn, identity: str) -> Path:
        return self._folder(urn) / f"{_file_name(urn.name)}_{_digest(identity)}.json"

    def _find(self, urn: Urn, identity: str) -> Path | None:
        ending = f"*_{_digest(identity)}.json"
        own = next(self._folder(urn).glob(ending), None)
        return own or next(self._root.glob(f"*/{_file_name(urn.type)}/{ending}"), None)

    def _load(self, urn: Urn, path: Path) -> RecordedResource | None:
        try:
            document = json.loads(path.read_text())
            return RecordedResource(
                urn=_text(document["urn"]),
                type=_text(document["type"]),
                id=_text(document["id"]),
                inputs=_object(document["inputs"]),
                outputs=_object(document["outputs"]),
                generation=int(document["generation"]),
            )
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError):
            self._warn(urn.text, f"{path} is damaged, so the resource it records counts as gone")
            return None


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"expected text, got {value!r}")
    return value


def _object(value: Any) -> Properties:
    if not isinstance(value, dict):
        raise TypeError(f"expected an object, got {value!r}")
    plain: Properties = from_document(value)
    return plain


def _file_name(text: str) -> str:
    """`text` as a file name that people recognise; uniqueness comes from the digest beside it."""
    return NOT_IN_FILE_NAMES.sub("-", text).strip(".-")[:LONGEST_NAME] or "-"


def _digest(identity: str) -> str:
    return hashlib.sha256(identity.encode()).hexdigest()[:DIGEST_CHARACTERS]


MARK = "localcloud:sha256"
SECRET_NAMES = re.compile(r".*(password|shared_?key|shared_?secret|private_?key)(wo)?", re.IGNORECASE)
"""Properties that are secret by their name, over and above those that the SDK calls so."""


def hidden(properties: Mapping[str, Any], secret: Collection[str], salt: str) -> Properties:
    """`properties` with a digest in place of each secret one."""
    return {
        key: {MARK: _salted_digest(value, salt)} if key in secret or SECRET_NAMES.fullmatch(key) else value
        for key, value in properties.items()
    }


def restored(properties: Mapping[str, Any], known: Mapping[str, Any], salt: str) -> Properties:
    """`properties` with values from `known` in place of their digests.

    A secret that `known` does not have, or has another value of, is left out: it shows as drift.
    """
    whole = {key: known.get(key) if _is_hidden(value) else value for key, value in properties.items()}
    return {key: value for key, value in whole.items() if _matches(value, properties[key], salt)}


def _is_hidden(value: Any) -> bool:
    return isinstance(value, Mapping) and MARK in value


def _matches(value: Any, recorded: Any, salt: str) -> bool:
    return not _is_hidden(recorded) or recorded == {MARK: _salted_digest(value, salt)}


def _salted_digest(value: Any, salt: str) -> str:
    text = json.dumps(to_document(value), sort_keys=True)
    return hashlib.sha256(f"{salt}\n{text}".encode()).hexdigest()
