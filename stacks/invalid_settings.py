"""Messages for wrong settings: one line with file, key, value, and what is allowed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails


class InvalidSettings(Exception):
    """The settings of an environment are wrong; the text has one line per fault."""


def explain(error: ValidationError, source: str, prefix: str, model: type[BaseModel]) -> str:
    """Return one line per fault of `error`, with keys as the settings file `source` spells them."""
    return "\n".join(f"{source}: {prefix}{_format_fault(fault, model)}" for fault in error.errors(include_url=False))


def _format_fault(fault: ErrorDetails, model: type[BaseModel]) -> str:
    path = list(fault["loc"])
    key = ".".join(str(part) for part in path)
    if fault["type"] == "missing":
        return f"{key} is missing; it is required"
    if fault["type"] == "extra_forbidden":
        return f"{key} = {_shorten(fault['input'])} is not a known key; allowed here: {_list_allowed(model, path[:-1])}"
    message = fault["msg"].removeprefix("Value error, ")
    return f"{key} = {_shorten(fault['input'])}: {message[:1].lower()}{message[1:]}"


def _shorten(value: Any) -> str:
    text = json.dumps(value, default=str)
    return text if len(text) <= 80 else f"{text[:77]}..."


def _list_allowed(model: type[BaseModel], path: Sequence[int | str]) -> str:
    for part in path:
        field = next((f for f in model.model_fields.values() if f.alias == part), None)
        inner = field.annotation if field else None
        if not (isinstance(inner, type) and issubclass(inner, BaseModel)):
            break
        model = inner
    return ", ".join(sorted(field.alias or name for name, field in model.model_fields.items() if name != "name"))
