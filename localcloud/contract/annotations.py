"""Annotations of an SDK's source as type terms."""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Mapping

from localcloud.contract.classes import is_enum, is_resource, read_enum
from localcloud.contract.sources import SourceFile, find_class
from localcloud.contract.terms import Anything, Either, Enum, File, JsonText, ListOf, MapOf, Object, Scalar, Term

BUILTINS: Mapping[str, Term] = {
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
def term_of(annotation: str, source: SourceFile) -> Term:
    """The term that an annotation in `source` writes; raises Underivable."""
    try:
        return _term(ast.parse(annotation, mode="eval").body, source)
    except SyntaxError as error:
        raise Underivable(f"no annotation: {annotation}") from error


def _term(node: ast.expr, source: SourceFile) -> Term:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return _named(node.value, source)
    if isinstance(node, ast.Subscript):
        return _generic(ast.unparse(node.value), node.slice, source)
    return _named(ast.unparse(node), source)


def _generic(head: str, argument: ast.expr, source: SourceFile) -> Term:
    """The term of `head[argument]`."""
    if head in _WRAPPERS:
        return _term(argument, source)
    if head in _LISTS:
        return ListOf(_term(argument, source))
    parts = argument.elts if isinstance(argument, ast.Tuple) else [argument]
    if head in _MAPS:
        return MapOf(_term(parts[1], source))
    if head == "Union":
        return _either(tuple(dict.fromkeys(_term(part, source) for part in parts)))
    if head == "Literal":
        return Enum(tuple(ast.literal_eval(part) for part in parts))
    raise Underivable(f"what is {head}[…]?")


def _either(members: tuple[Term, ...]) -> Term:
    """A union; an open enum is no more than its scalar, and text beside a policy document is JSON text."""
    scalars = [term for term in members if isinstance(term, Scalar)]
    if scalars and any(isinstance(term, Object) and term.shape.endswith(_JSON_DOCUMENTS) for term in members):
        return JsonText()
    if scalars:
        members = tuple(term for term in members if not isinstance(term, Enum))
    return members[0] if len(members) == 1 else Either(members)


@functools.lru_cache(MOST_REMEMBERED)
def _named(name: str, source: SourceFile) -> Term:
    """The term of a class or builtin as `source` names it."""
    builtin = BUILTINS.get(name.removeprefix("_builtins.").removeprefix("typing."))
    if builtin is not None:
        return builtin
    found, class_name = _resolved(name, source)
    text = found.text_of(class_name)
    if is_enum(text):
        return Enum(read_enum(text))
    return Scalar("str") if is_resource(text) else Object(found.name_of(class_name))


def _resolved(name: str, source: SourceFile) -> tuple[SourceFile, str]:
    """The file and the bare name of the class that `source` calls `name`."""
    *path, class_name = name.split(".")
    if not path and class_name in source:
        return source, class_name
    found = find_class(_imported(path, source) if path else source.package, class_name)
    if found is None:
        raise Underivable(f"no class {name}")
    return found, class_name


def _imported(path: list[str], source: SourceFile) -> str:
    """The package that the dotted name `path` means where `source` uses it."""
    for dots, module, name, alias in _IMPORT.findall(source.head):
        if (alias or name) == path[0]:
            inner = [] if name.startswith("_") else [name]
            return ".".join([_absolute(source.package, dots, module), *inner, *path[1:]])
    raise Underivable(f"nothing is imported as {path[0]}")


def _absolute(package: str, dots: str, module: str) -> str:
    """The package that a relative import in `package` means."""
    parts = package.split(".")
    kept = parts[: len(parts) - (len(dots) - 1)]
    return ".".join([*kept, *filter(None, module.split("."))])
