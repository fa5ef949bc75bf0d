"""Secret properties in records: a digest stands for the value, which is kept in the engine's encrypted state alone."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Collection, Mapping
from typing import Any

from localcloud.provider.properties import Properties
from localcloud.provider.wire import to_document

MARK = "localcloud:sha256"
SECRET_NAMES = re.compile(r".*(password|shared_?key|shared_?secret|private_?key)(wo)?", re.IGNORECASE)
"""Properties that are secret by their name, over and above those that the SDK calls so."""


def hidden(properties: Mapping[str, Any], secret: Collection[str], salt: str) -> Properties:
    """`properties` with a digest in place of each secret one."""
    return {
        key: {MARK: _digest(value, salt)} if key in secret or SECRET_NAMES.fullmatch(key) else value
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
    return not _is_hidden(recorded) or recorded == {MARK: _digest(value, salt)}


def _digest(value: Any, salt: str) -> str:
    text = json.dumps(to_document(value), sort_keys=True)
    return hashlib.sha256(f"{salt}\n{text}".encode()).hexdigest()
