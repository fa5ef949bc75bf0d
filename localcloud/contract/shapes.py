"""The classes of an SDK as shapes: read from source text, each when it is first asked for.

Names, annotations and constants of a class come from regular expressions, since generated classes all look the same;
annotations become type expressions."""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from localcloud.contract.sources import SourceFile, find_class, source_named
from localcloud.contract.type_expr import (
    Anything,
    Either,
    Enum,
    File,
    JsonText,
    ListOf,
    MapOf,
    Object,
    Property,
    Quantity,
    Scalar,
    Shape,
    TypeExpr,
)

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


_VALUE = re.compile(r"(Args|ArgsDict|Patch)+$")
_FIELDS: Mapping[str, tuple[str, ...]] = {
    "CapacityRequestPolicy": ("default", "validValues"),
    "CapacityRequestPolicyRange": ("max", "min", "step"),
    "CapacityRequirements": ("requests",),
    "CSIStorageCapacity": ("capacity", "maximumVolumeSize"),
    "DeviceCapacity": ("value",),
    "EmptyDirVolumeSource": ("sizeLimit",),
    "LimitRangeItem": ("default", "defaultRequest", "max", "maxLimitRequestRatio", "min"),
    "MetricTarget": ("averageValue", "value"),
    "MetricValueStatus": ("averageValue", "value"),
    "NodeStatus": ("allocatable", "capacity"),
    "Overhead": ("podFixed",),
    "PersistentVolumeClaimStatus": ("allocatedResources", "capacity"),
    "PersistentVolumeSpec": ("capacity",),
    "PodSpec": ("overhead",),
    "ResourceFieldSelector": ("divisor",),
    "ResourceQuotaSpec": ("hard",),
    "ResourceQuotaStatus": ("hard", "used"),
    "ResourceRequirements": ("limits", "requests"),
    "VolumeResourceRequirements": ("limits", "requests"),
}


def mark_quantities(class_name: str, name: str, expr: TypeExpr) -> TypeExpr:
    """The expr with its texts made quantities where property `name` of this arguments class holds quantities."""
    return _make_quantity(expr) if name in _FIELDS.get(_VALUE.sub("", class_name), ()) else expr


def _make_quantity(expr: TypeExpr) -> TypeExpr:
    match expr:
        case ListOf(item):
            return ListOf(_make_quantity(item))
        case MapOf(inner):
            return MapOf(_make_quantity(inner))
        case _:
            return Quantity()


BUILTINS: Mapping[str, TypeExpr] = {
    "str": Scalar("str"),
    "int": Scalar("int"),
    "float": Scalar("float"),
    "bool": Scalar("bool"),
    "dict": Anything(),
    "Any": Anything(),
    "pulumi.Asset": File(),
    "pulumi.Archive": File(),
}
_WRAPPERS = {"pulumi.Input", "pulumi.Output", "pulumi.InputType", "Optional", "NotRequired"}
_LISTS = {"Sequence", "List", "_builtins.list"}
_MAPS = {"Mapping", "Dict"}
_IMPORT = re.compile(r"^from (\.+)([\w.]*) import (\w+)(?: as (\w+))?$", re.MULTILINE)
_JSON_DOCUMENTS = "PolicyDocumentArgs"
"""The end of the names of classes whose objects the AWS provider writes as JSON text."""

MOST_REMEMBERED = 20_000


class Underivable(Exception):
    """The SDK's source says something that this reader does not understand; names the class and what it says."""


@functools.lru_cache(MOST_REMEMBERED)
def parse_annotation(annotation: str, source: SourceFile) -> TypeExpr:
    """The expr that an annotation in `source` writes; raises Underivable."""
    try:
        return _parse(ast.parse(annotation, mode="eval").body, source)
    except SyntaxError as error:
        raise Underivable(f"no annotation: {annotation}") from error


def _parse(node: ast.expr, source: SourceFile) -> TypeExpr:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return _parse_name(node.value, source)
    if isinstance(node, ast.Subscript):
        return _parse_generic(ast.unparse(node.value), node.slice, source)
    return _parse_name(ast.unparse(node), source)


def _parse_generic(head: str, argument: ast.expr, source: SourceFile) -> TypeExpr:
    """The expr of `head[argument]`."""
    if head in _WRAPPERS:
        return _parse(argument, source)
    if head in _LISTS:
        return ListOf(_parse(argument, source))
    parts = argument.elts if isinstance(argument, ast.Tuple) else [argument]
    if head in _MAPS:
        return MapOf(_parse(parts[1], source))
    if head == "Union":
        return _join_members(tuple(dict.fromkeys(_parse(part, source) for part in parts)))
    if head == "Literal":
        return Enum(tuple(ast.literal_eval(part) for part in parts))
    raise Underivable(f"what is {head}[…]?")


def _join_members(members: tuple[TypeExpr, ...]) -> TypeExpr:
    """A union; an open enum is no more than its scalar, and text beside a policy document is JSON text."""
    scalars = [expr for expr in members if isinstance(expr, Scalar)]
    if scalars and any(isinstance(expr, Object) and expr.shape.endswith(_JSON_DOCUMENTS) for expr in members):
        return JsonText()
    if scalars:
        members = tuple(expr for expr in members if not isinstance(expr, Enum))
    return members[0] if len(members) == 1 else Either(members)


@functools.lru_cache(MOST_REMEMBERED)
def _parse_name(name: str, source: SourceFile) -> TypeExpr:
    """The expr of a class or builtin as `source` names it."""
    builtin = BUILTINS.get(name.removeprefix("_builtins.").removeprefix("typing."))
    if builtin is not None:
        return builtin
    found, class_name = _resolve(name, source)
    text = found.text_of(class_name)
    if is_enum(text):
        return Enum(read_enum(text))
    return Scalar("str") if is_resource(text) else Object(found.name_of(class_name))


def _resolve(name: str, source: SourceFile) -> tuple[SourceFile, str]:
    """The file and the bare name of the class that `source` calls `name`."""
    *path, class_name = name.split(".")
    if not path and class_name in source:
        return source, class_name
    found = find_class(_find_import(path, source) if path else source.package, class_name)
    if found is None:
        raise Underivable(f"no class {name}")
    return found, class_name


def _find_import(path: list[str], source: SourceFile) -> str:
    """The package that the dotted name `path` means where `source` uses it."""
    for dots, module, name, alias in _IMPORT.findall(source.head):
        if (alias or name) == path[0]:
            inner = [] if name.startswith("_") else [name]
            return ".".join([_resolve_relative(source.package, dots, module), *inner, *path[1:]])
    raise Underivable(f"nothing is imported as {path[0]}")


def _resolve_relative(package: str, dots: str, module: str) -> str:
    """The package that a relative import in `package` means."""
    parts = package.split(".")
    kept = parts[: len(parts) - (len(dots) - 1)]
    return ".".join([*kept, *filter(None, module.split("."))])


@functools.cache
def shape_named(name: str) -> Shape:
    """The shape of an arguments class, e.g. `pulumi_aws.eks._inputs:ClusterVpcConfigArgs`; raises Underivable."""
    source, class_name = source_named(name)
    arguments = read_arguments(source.text_of(class_name))
    return Shape(dict(_properties(source, class_name, arguments)), arguments.constants)


def _properties(source: SourceFile, class_name: str, arguments: ArgumentsClass) -> Iterator[tuple[str, Property]]:
    for name, found in arguments.fields.items():
        try:
            expr = parse_annotation(found.annotation, source)
        except Underivable as error:
            raise Underivable(f"{class_name}.{name} of {source.package}: {error}") from error
        if source.package.startswith("pulumi_kubernetes"):
            expr = mark_quantities(class_name, name, expr)
        yield name, Property(expr, found.required)
