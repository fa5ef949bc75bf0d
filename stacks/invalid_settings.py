"""How a wrong setting is told: one line with file, key, value, and what is allowed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails


class InvalidSettings(Exception):
    """An environment's settings are wrong; the text has one line for each fault."""


def explain(error: ValidationError, source: str, prefix: str, model: type[BaseModel]) -> str:
    """One line for each fault of `error`, in the words of the settings file `source`."""
    return "\n".join(f"{source}: {prefix}{_line(fault, model)}" for fault in error.errors(include_url=False))


def _line(fault: ErrorDetails, model: type[BaseModel]) -> str:
    path = list(fault["loc"])
    key = ".".join(str(part) for part in path)
    if fault["type"] == "missing":
        return f"{key} is missing; it is required"
    if fault["type"] == "extra_forbidden":
        return f"{key} = {_shown(fault['input'])} is not a known key; allowed here: {_allowed(model, path[:-1])}"
    message = fault["msg"].removeprefix("Value error, ")
    return f"{key} = {_shown(fault['input'])}: {message[:1].lower()}{message[1:]}"


def _shown(value: Any) -> str:
    text = json.dumps(value, default=str)
    return text if len(text) <= 80 else f"{text[:77]}..."


def _allowed(model: type[BaseModel], path: Sequence[int | str]) -> str:
    for part in path:
        field = next((f for f in model.model_fields.values() if f.alias == part), None)
        inner = field.annotation if field else None
        if not (isinstance(inner, type) and issubclass(inner, BaseModel)):
            break
        model = inner
    return ", ".join(sorted(field.alias or name for name, field in model.model_fields.items() if name != "name"))
