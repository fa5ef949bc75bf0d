"""Single values against the type expressions that hold no others."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from localcloud.contract.problems import list_allowed
from localcloud.contract.type_expr import (
    UNKNOWN,
    Anything,
    AssetValue,
    Enum,
    File,
    JsonText,
    Quantity,
    Scalar,
    ScalarName,
    TypeExpr,
)

_SCALARS: Mapping[ScalarName, str] = {
    "str": "text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
}
_TRUTH = {"true": True, "false": False}
_WHOLE = re.compile(r"[+-]?\d+")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_QUANTITY = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([KMGTPE]i|[numkMGTPE]|[eE][+-]?\d+)?")


class Mismatch(Exception):
    """A value does not fit its expr; the text says what was expected."""


def describe(expr: TypeExpr) -> str:
    """A leaf expr in words."""
    match expr:
        case Scalar(name):
            return _SCALARS[name]
        case Enum(values):
            return list_allowed(values)
        case _:
            return _WORDS[type(expr)]


def fit(expr: TypeExpr, value: Any, *, lenient: bool) -> Any:
    """The value as the leaf `expr` takes it; raises Mismatch where it does not.

    `lenient`: text is taken for numbers and truth values and the other way round, where nothing is lost.
    """
    match expr:
        case Anything():
            return value
        case Scalar(name):
            result = _READERS[name](value, lenient)
        case Enum(values):
            result = _choice(value, values)
        case JsonText():
            result = _json_text(value)
        case Quantity():
            result = value if is_quantity(value) else None
        case _:
            result = value if isinstance(value, AssetValue) else None
    if result is None:
        raise Mismatch(describe(expr))
    return result


def _text(value: Any, lenient: bool) -> str | None:
    if isinstance(value, str):
        return value
    if not lenient:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(int(value)) if float(value).is_integer() else repr(value)
    return None


def _whole(value: Any, lenient: bool) -> int | None:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return int(value) if float(value).is_integer() else None
    return int(value) if lenient and isinstance(value, str) and _WHOLE.fullmatch(value) else None


def _number(value: Any, lenient: bool) -> float | None:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    return float(value) if lenient and isinstance(value, str) and _NUMBER.fullmatch(value) else None


def _truth(value: Any, lenient: bool) -> bool | None:
    if isinstance(value, bool):
        return value
    return _TRUTH.get(value) if lenient and isinstance(value, str) else None


def _choice(value: Any, values: tuple[str | int | float | bool, ...]) -> Any:
    """The allowed value that equals `value`; 1 is not true here, but 1.0 is 1."""
    same = (choice for choice in values if choice == value and isinstance(choice, bool) == isinstance(value, bool))
    return next(same, None)


def _json_text(value: Any) -> Any:
    """JSON text as it is, a document as text; with an unknown part the whole text is unknown."""
    if isinstance(value, str):
        return value if _is_json(value) else None
    if isinstance(value, Mapping | list):
        return UNKNOWN if _has_unknown(value) else json.dumps(value)
    return None


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def _has_unknown(value: Any) -> bool:
    if isinstance(value, Mapping):
        return any(map(_has_unknown, value.values()))
    if isinstance(value, list):
        return any(map(_has_unknown, value))
    return value is UNKNOWN


def is_quantity(value: Any) -> bool:
    """Whether a value is a Kubernetes quantity: a number, or text with a unit."""
    if isinstance(value, str):
        return _QUANTITY.fullmatch(value) is not None
    return isinstance(value, int | float) and not isinstance(value, bool)


_READERS: Mapping[ScalarName, Callable[[Any, bool], Any]] = {
    "str": _text,
    "int": _whole,
    "float": _number,
    "bool": _truth,
}
_WORDS: Mapping[type, str] = {
    Anything: "any value",
    JsonText: "JSON text or a document",
    Quantity: "a quantity such as 500m or 2Gi",
    File: "an asset or archive",
}
