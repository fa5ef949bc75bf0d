"""From a type token to its contract, by reading the SDK's source."""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Iterator, Mapping
from typing import Any

from localcloud.contract import quantities
from localcloud.contract.classes import (
    ArgumentsClass,
    is_enum,
    is_resource,
    read_arguments,
    read_enum,
    read_resource,
)
from localcloud.contract.sources import (
    Place,
    SourceFile,
    find_class,
    package_folder,
    resource_file,
    snake_case,
    source_file,
)
from localcloud.contract.terms import Encoded

_BUILTINS: Mapping[str, Encoded] = {
    "str": "str",
    "int": "int",
    "float": "float",
    "bool": "bool",
    "dict": "any",
    "Any": "any",
    "pulumi.Asset": "file",
    "pulumi.Archive": "file",
}
_WRAPPERS = {"pulumi.Input", "pulumi.Output", "pulumi.InputType", "Optional", "NotRequired"}
_LISTS = {"Sequence", "List", "_builtins.list"}
_MAPS = {"Mapping", "Dict"}
_IMPORT = re.compile(r"^from (\.+)([\w.]*) import (\w+)(?: as (\w+))?$", re.MULTILINE)
_STAR = re.compile(r"^from (\.+)([\w.]*) import \*$", re.MULTILINE)
_JSON_DOCUMENTS = "PolicyDocumentArgs"
"""The classes whose objects the AWS provider writes as JSON text."""


class Underivable(Exception):
    """The SDK's source says something that this reader does not understand; names the class and what it says."""


def derive(place: Place) -> dict[str, Any]:
    """The contract of the resource class at `place`, as the document that a cache file holds."""
    source = resource_file(place.module, place.name)
    if source is None:
        raise Underivable(f"no file of {place.module} defines {place.name}")
    resource = read_resource(source.text_of(place.name))
    root = _arguments_class(source, place.name, resource.arguments)
    shapes = closure(root)
    return {
        "root": root,
        "shapes": shapes,
        "outputs": {name: _output(annotation) for name, annotation in resource.outputs.items()},
        "secret": list(resource.secret_outputs),
        "path": _path_parameters(source, place.name, shapes[root]["properties"], resource.outputs),
    }


def _arguments_class(source: SourceFile, resource: str, arguments: str | None) -> str:
    """The shape name of the resource's arguments."""
    if arguments is None:
        raise Underivable(f"{resource} of {source.package} names no arguments class")
    if arguments in source:
        return f"{source.package}.{source.path.stem}:{arguments}"
    found = find_class(source.package, arguments)
    if found is None:
        raise Underivable(f"no class {arguments} for {resource} of {source.package}")
    return f"{found.package}.{found.path.stem}:{arguments}"


def closure(root: str) -> dict[str, Encoded]:
    """The shape `root` and every shape that it leads to, by name."""
    shapes: dict[str, Encoded] = {}
    waiting = [root]
    while waiting:
        name = waiting.pop()
        if name not in shapes:
            shapes[name] = _shape(name)
            for term, _ in shapes[name]["properties"].values():
                waiting.extend(_objects_of(term))
    return shapes


def _objects_of(term: Encoded) -> Iterator[str]:
    """The shape names that a term mentions."""
    if isinstance(term, str):
        return
    kind, argument = term
    if kind == "object":
        yield argument
    elif kind in ("list", "map"):
        yield from _objects_of(argument)
    elif kind == "either":
        for member in argument:
            yield from _objects_of(member)


@functools.cache
def _shape(name: str) -> Encoded:
    """One arguments class as a shape."""
    module, _, class_name = name.partition(":")
    package, _, stem = module.rpartition(".")
    source = source_file(package_folder(package) / f"{stem}.py", package)
    if source is None:
        raise Underivable(f"no file for {name}")
    arguments = read_arguments(source.text_of(class_name))
    return {"properties": dict(_properties(source, class_name, arguments)), "constants": dict(arguments.constants)}


def _properties(source: SourceFile, class_name: str, arguments: ArgumentsClass) -> Iterator[tuple[str, Encoded]]:
    for name, found in arguments.fields.items():
        try:
            term = _term(found.annotation, source)
        except (Underivable, SyntaxError) as error:
            raise Underivable(f"{class_name}.{name} of {source.package}: {error}") from error
        if source.package.startswith("pulumi_kubernetes"):
            term = quantities.marked(class_name, name, term)
        yield name, [term, found.required]


@functools.lru_cache(maxsize=20_000)
def _term(annotation: str, source: SourceFile) -> Encoded:
    """The term that an annotation in `source` writes."""
    return _node_term(ast.parse(annotation, mode="eval").body, source)


def _node_term(node: ast.expr, source: SourceFile) -> Encoded:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return _named(node.value, source)
    if isinstance(node, ast.Subscript):
        return _generic(ast.unparse(node.value), node.slice, source)
    return _named(ast.unparse(node), source)


def _generic(head: str, argument: ast.expr, source: SourceFile) -> Encoded:
    """The term of `head[argument]`."""
    if head in _WRAPPERS:
        return _node_term(argument, source)
    if head in _LISTS:
        return ["list", _node_term(argument, source)]
    parts = argument.elts if isinstance(argument, ast.Tuple) else [argument]
    if head in _MAPS:
        return ["map", _node_term(parts[1], source)]
    if head == "Union":
        return _either(parts, source)
    if head == "Literal":
        return ["enum", [ast.literal_eval(part) for part in parts]]
    raise Underivable(f"what is {head}[…]?")


def _either(parts: list[ast.expr], source: SourceFile) -> Encoded:
    """A union; an open enum is no more than its scalar, and a scalar beside a policy document is JSON text."""
    members: list[Encoded] = []
    for part in parts:
        term = _node_term(part, source)
        if term not in members:
            members.append(term)
    scalars = [term for term in members if isinstance(term, str)]
    objects = [term for term in members if term[0] == "object"]
    if "str" in scalars and any(term[1].endswith(_JSON_DOCUMENTS) for term in objects):
        return "json"
    members = [term for term in members if not (term[0] == "enum" and scalars)]
    return members[0] if len(members) == 1 else ["either", members]


@functools.lru_cache(maxsize=20_000)
def _named(name: str, source: SourceFile) -> Encoded:
    """The term of a class or builtin as `source` names it."""
    builtin = _BUILTINS.get(name.removeprefix("_builtins.").removeprefix("typing."))
    if builtin is not None:
        return builtin
    if "[" in name:
        return _term(name, source)
    found, class_name = _resolve(name, source)
    text = found.text_of(class_name)
    if is_enum(text):
        return ["enum", list(read_enum(text))]
    if is_resource(text):
        return "str"
    return ["object", f"{found.package}.{found.path.stem}:{class_name}"]


def _resolve(name: str, source: SourceFile) -> tuple[SourceFile, str]:
    """The file and the bare name of the class that `source` calls `name`."""
    *path, class_name = name.split(".")
    if not path and class_name in source:
        return source, class_name
    for package in _candidates(path, source):
        found = find_class(package, class_name)
        if found is not None:
            return found, class_name
    raise Underivable(f"no class {name}")


def _candidates(path: list[str], source: SourceFile) -> Iterator[str]:
    """The packages in which a dotted name may be defined."""
    if not path:
        yield source.package
        for dots, module in _STAR.findall(source.head):
            yield _absolute(source.package, dots, module.removesuffix("_inputs").removesuffix("_enums").rstrip("."))
    for dots, module, name, alias in _IMPORT.findall(source.head):
        if path and (alias or name) == path[0]:
            inner = [] if name.startswith("_") else [name]
            yield ".".join([_absolute(source.package, dots, module), *inner, *path[1:]])


def _absolute(package: str, dots: str, module: str) -> str:
    parts = package.split(".")
    kept = parts[: len(parts) - (len(dots) - 1)]
    return ".".join([*kept, *filter(None, module.split("."))])


def _output(annotation: str) -> Encoded:
    """The rough term of an output: nested objects are not followed."""
    text = re.sub(r"pulumi\.Output|Optional|_builtins\.|[\[\]]", " ", annotation).strip()
    if "Sequence" in text:
        return ["list", "any"]
    if "Mapping" in text:
        return ["map", "any"]
    return text if text in ("str", "int", "float", "bool") else "any"


def _path_parameters(
    source: SourceFile, resource: str, inputs: Mapping[str, Encoded], outputs: Mapping[str, str]
) -> list[str]:
    """The inputs that make up an Azure resource's path: its own name and those of what it lies in.

    Its lookup function asks for exactly these; where there is none, they are the names that the resource does not
    give back among its outputs.
    """
    if not source.package.startswith("pulumi_azure_native"):
        return []
    lookup = source_file(source.path.parent / f"get_{snake_case(resource)}.py", source.package)
    if lookup is not None:
        asked = _lookup_arguments(lookup, snake_case(resource))
        return [name for name in inputs if snake_case(name) in asked]
    return [
        name for name, (term, _) in inputs.items() if term == "str" and name.endswith("Name") and name not in outputs
    ]


def _lookup_arguments(lookup: SourceFile, name: str) -> set[str]:
    """The parameters of the function `get_<name>`."""
    text = lookup.path.read_text(encoding="utf-8")
    start = text.find(f"\ndef get_{name}(")
    end = text.find(") ->", start)
    return set(re.findall(r"(\w+): ", text[start:end]))
