"""Whether the pinned SDKs know a property path of a resource type, as the emulators' contract reads them."""

from __future__ import annotations

from localcloud.contract import outputs
from localcloud.contract.contracts import UnknownType, contract_of
from localcloud.contract.shapes import shape_named
from localcloud.contract.type_expr import Anything, Either, JsonText, ListOf, MapOf, Object, Shape, TypeExpr


def missing(token: str, path: str) -> str:
    """What is wrong with the path, or nothing."""
    try:
        root = contract_of(token).root
    except UnknownType as error:
        return str(error)
    first, *rest = path.split(".")
    if first in root.properties or root.open:
        return "" if _leads(root, [first, *rest]) else f"{token} has no input {path}"
    return "" if first in outputs(token) else f"{token} has neither an input nor an output {first}"


def _leads(shape: Shape, names: list[str]) -> bool:
    name, *rest = names
    if name in shape.properties:
        return _inside(shape.properties[name].expr, rest)
    return shape.open or name in shape.constants


def _inside(expr: TypeExpr, names: list[str]) -> bool:
    if not names:
        return True
    match expr:
        case ListOf(item):
            return _inside(item, names)
        case MapOf(value):
            return _inside(value, names[1:])
        case Object(name):
            return _leads(shape_named(name), names)
        case Either(members):
            return any(_inside(member, names) for member in members)
        case _:
            return isinstance(expr, Anything | JsonText)
