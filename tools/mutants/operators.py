"""The small changes: which ones a module allows, and the module with one of them made."""

from __future__ import annotations

import ast
import copy
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TypeVar

N = TypeVar("N", bound=ast.AST)

COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
ARITHMETIC: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.FloorDiv: ast.Mult,
    ast.Div: ast.Mult,
    ast.Mod: ast.Mult,
    ast.LShift: ast.RShift,
    ast.RShift: ast.LShift,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
}


@dataclass(frozen=True)
class Mutation:
    """One change of one module."""

    module: str
    """Path of the source, relative to the checkout."""
    number: int | None
    """Place among the changes that the module allows, from 0; None leaves the module as it is."""
    scope: str
    """Dotted name of the class and function around it; empty at module level."""
    line: int
    before: str
    after: str
    repeated: int = 0
    """Number of changes of the same text before it in its scope."""

    @property
    def key(self) -> str:
        """A name that stays when lines move: for the list of survivors with their reasons."""
        again = f" #{self.repeated + 1}" if self.repeated else ""
        return f"{self.module} {self.scope or 'module'}: {self.before} -> {self.after}{again}"


def list_mutations(module: str, source: str) -> list[Mutation]:
    """Return all changes that a module allows, in the order of its syntax tree."""
    found: list[Mutation] = []
    seen: Counter[str] = Counter()
    for number, (node, new, scope) in enumerate(_changes(ast.parse(source))):
        mutation = Mutation(module, number, scope, node.lineno, _shorten(node), _shorten(new))
        found.append(replace(mutation, repeated=seen[mutation.key]))
        seen[mutation.key] += 1
    return found


def mutate(source: str, number: int | None) -> ast.Module:
    """Return the syntax tree of the module with one change made."""
    tree = ast.parse(source)
    if number is None:
        return tree
    for place, (node, new, _) in enumerate(_changes(tree)):
        if place == number:
            _Exchange(node, new).visit(tree)
            return ast.fix_missing_locations(tree)
    raise IndexError(f"the module allows no change {number}")


class _Exchange(ast.NodeTransformer):
    def __init__(self, old: ast.AST, new: ast.AST) -> None:
        self.old = old
        self.new = ast.copy_location(new, old)

    def visit(self, node: ast.AST) -> ast.AST:
        return self.new if node is self.old else self.generic_visit(node)


Change = tuple[ast.expr | ast.stmt, ast.expr | ast.stmt, str]


def _changes(node: ast.AST, scope: str = "") -> Iterator[Change]:
    """Each node that can be changed, what takes its place, and its scope."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        scope = f"{scope}.{node.name}" if scope else node.name
    if isinstance(node, ast.expr | ast.stmt):
        for new in _replacements(node):
            yield node, new, scope
    for child in _children(node):
        yield from _changes(child, scope)


def _children(node: ast.AST) -> Iterator[ast.AST]:
    """Children that behave: no annotation, decorator, docstring or text of an error message."""
    if isinstance(node, ast.Raise | ast.JoinedStr | ast.Assert | ast.Import | ast.ImportFrom):
        return
    left_out = {
        "annotation",
        "returns",
        "decorator_list",
        "bases",
        "keywords" if isinstance(node, ast.ClassDef) else "",
    }
    for name, value in ast.iter_fields(node):
        if name in left_out:
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST) and not _is_text(child) and not _is_only_for_types(child):
                yield child


def _is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _is_only_for_types(node: ast.AST) -> bool:
    """`if TYPE_CHECKING`, `__all__`, and aliases of types such as `Row = tuple[int, str] | None`."""
    if isinstance(node, ast.If):
        return isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
    if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
        name = node.targets[0].id
        return name == "__all__" or (name[:1].isupper() and not name.isupper())
    return False


def _replacements(node: ast.expr | ast.stmt) -> Iterator[ast.expr | ast.stmt]:
    yield from _other_expressions(node) if isinstance(node, ast.expr) else _other_statements(node)


def _other_expressions(node: ast.expr) -> Iterator[ast.expr]:
    match node:
        case ast.Compare(ops=[first, *others]):
            yield _with(node, ops=[COMPARISONS[type(first)](), *others])
        case ast.BinOp(op=operator) if type(operator) in ARITHMETIC:
            yield _with(node, op=ARITHMETIC[type(operator)]())
        case ast.BoolOp(op=operator):
            yield _with(node, op=ast.Or() if isinstance(operator, ast.And) else ast.And())
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            yield operand
        case ast.IfExp(test=test):
            yield _with(node, test=ast.UnaryOp(ast.Not(), test))
        case ast.Constant(value=value):
            yield from _other_constants(value)


def _other_statements(node: ast.stmt) -> Iterator[ast.stmt]:
    match node:
        case ast.If(test=test) | ast.While(test=test):
            yield _with(node, test=ast.UnaryOp(ast.Not(), test))
        case ast.Return(value=value) if value and not _is_none(value):
            yield _with(node, value=ast.Constant(None))
        case ast.Raise() | ast.Expr(value=ast.Call() | ast.Await()):
            yield ast.Pass()
        case ast.Continue():
            yield ast.Break()
        case ast.Break():
            yield ast.Continue()


def _other_constants(value: object) -> Iterator[ast.expr]:
    if isinstance(value, bool):
        yield ast.Constant(not value)
    elif isinstance(value, int | float):
        yield ast.Constant(value + 1)
    elif isinstance(value, str) and not any(character.isspace() for character in value):  # a sentence is a message
        yield ast.Constant(f"{value}~")


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def _with(node: N, **fields: object) -> N:
    new = copy.copy(node)
    for name, value in fields.items():
        setattr(new, name, value)
    return new


def _shorten(node: ast.AST) -> str:
    """The first line of the node's text; the condition alone of a statement with a block."""
    return ast.unparse(ast.fix_missing_locations(copy.deepcopy(node))).splitlines()[0]
