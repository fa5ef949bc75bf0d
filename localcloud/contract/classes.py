"""One generated class of an SDK, read from its source: names, annotations, constants."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from dataclasses import dataclass

_PARAMETER = re.compile(r"^ {17}(\w+): (.+?)( = [^=\n]+)?(?:,|\):)$", re.MULTILINE)
_GETTER = re.compile(
    r'@pulumi\.getter(?:\(name="([^"]+)"\))?\s+'
    r'(?:@_utilities\.deprecated\("""(?:.|\n)*?"""\)\s+)?'
    r"def (\w+)\(self\) -> (.+):\n"
)
_CONSTANT = re.compile(r'pulumi\.set\(__self__, "(\w+)", (\'[^\']*\'|-?[\d.]+|True|False)\)')
_MEMBER = re.compile(r"^    [A-Z]\w* = (.+)$", re.MULTILINE)
_ARGUMENTS = re.compile(r"^ {17}args: (?:Optional\[)?(\w+)\]?(?: = None)?,$", re.MULTILINE)
_SECRET_OUTPUTS = re.compile(r"additional_secret_outputs=(\[[^\]]*\])")
_SIGNATURE = "def __init__(__self__, *,\n"


@dataclass(frozen=True)
class Field:
    """One keyword of an arguments class."""

    annotation: str
    required: bool


@dataclass(frozen=True)
class ArgumentsClass:
    """A class of inputs: fields under their wire names."""

    fields: Mapping[str, Field]
    constants: Mapping[str, str | int | float | bool]


@dataclass(frozen=True)
class ResourceClass:
    """A resource class: the name of its arguments class and its outputs under their wire names."""

    arguments: str | None
    outputs: Mapping[str, str]
    secret_outputs: tuple[str, ...]


def read_arguments(text: str) -> ArgumentsClass:
    """The fields of the arguments class whose source is `text`."""
    wire = {python: name or python for name, python, _ in _GETTER.findall(text)}
    start = text.find(_SIGNATURE)
    if start < 0:
        return ArgumentsClass({}, {})
    end = text.index("):\n", start) + 3
    fields = {
        wire[python]: Field(annotation, not default)
        for python, annotation, default in _PARAMETER.findall(text, start + len(_SIGNATURE), end)
    }
    constants = {wire[python]: ast.literal_eval(value) for python, value in _CONSTANT.findall(text) if python in wire}
    return ArgumentsClass(fields, constants)


def read_resource(text: str) -> ResourceClass:
    """What the resource class whose source is `text` says of itself."""
    arguments = _ARGUMENTS.search(text)
    outputs = {name or python: annotation for name, python, annotation in _GETTER.findall(text)}
    secret = _SECRET_OUTPUTS.search(text)
    return ResourceClass(
        arguments.group(1) if arguments else None,
        outputs,
        tuple(ast.literal_eval(secret.group(1))) if secret else (),
    )


def is_enum(text: str) -> bool:
    """Whether the class whose source is `text` is an enumeration."""
    return re.match(r"class \w+\([^)]*\bEnum\)", text) is not None


def is_resource(text: str) -> bool:
    """Whether the class whose source is `text` is a resource."""
    return re.match(r"class \w+\(pulumi\.\w*Resource\)", text) is not None


def read_enum(text: str) -> tuple[str | int | float | bool, ...]:
    """The values of the enumeration whose source is `text`."""
    return tuple(ast.literal_eval(value) for value in _MEMBER.findall(text))
