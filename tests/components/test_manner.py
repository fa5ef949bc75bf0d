"""Rules for all components: short constructors, unique type tokens, registered outputs, no environment."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

import components

LONGEST_CONSTRUCTOR = 60
KEPT_TOKENS = {"AppIngress": "AppEntrance"}
"""Classes that were renamed; deployed stacks hold the old token, so it stays."""
TREE = {path: ast.parse(path.read_text()) for path in sorted(Path(components.__file__).parent.rglob("*.py"))}


def component_classes() -> Iterator[ast.ClassDef]:
    for tree in TREE.values():
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef) and any("ComponentResource" in ast.unparse(base) for base in node.bases):
                yield node


def constructor(of: ast.ClassDef) -> ast.FunctionDef:
    return next(node for node in of.body if isinstance(node, ast.FunctionDef) and node.name == "__init__")


def token(of: ast.ClassDef) -> str:
    call = next(
        node
        for node in ast.walk(constructor(of))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "super().__init__"
    )
    return str(ast.literal_eval(call.args[0]))


CLASSES = list(component_classes())


def test_no_two_components_share_a_type_token() -> None:
    assert CLASSES
    assert [one for one, uses in Counter(map(token, CLASSES)).items() if uses > 1] == []


@pytest.mark.parametrize("of", CLASSES, ids=lambda of: of.name)
def test_a_token_names_package_and_class(of: ast.ClassDef) -> None:
    project, package, name = token(of).split(":")
    assert (project, name) == ("livingfortress", KEPT_TOKENS.get(of.name, of.name))
    assert package in {path.name for path in Path(components.__file__).parent.iterdir() if path.is_dir()}


@pytest.mark.parametrize("of", CLASSES, ids=lambda of: of.name)
def test_a_constructor_can_be_read_at_a_glance(of: ast.ClassDef) -> None:
    body = constructor(of)
    assert (body.end_lineno or 0) - body.lineno + 1 <= LONGEST_CONSTRUCTOR


@pytest.mark.parametrize("of", CLASSES, ids=lambda of: of.name)
def test_every_component_registers_its_outputs(of: ast.ClassDef) -> None:
    assert "self.register_outputs" in ast.unparse(constructor(of))


ENVIRONMENTS = {"local", "is_local", "rehearsal", "is_rehearsal", "dev", "staging", "production"}
"""Words that only code which knows its environment uses, as a name, attribute, argument or string."""


def words_of(tree: ast.AST) -> set[str]:
    words: set[str] = set()
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=word) | ast.Attribute(attr=word) | ast.arg(arg=word) | ast.keyword(arg=str(word)):
                words.add(word)
            case ast.Constant(value=str(word)):
                words.add(word)
    return words


@pytest.mark.parametrize(
    "line",
    [
        "if local: pass",
        "if args.is_local: pass",
        "if args.environment == 'local': pass",
        "def f(rehearsal): pass",
        "f(rehearsal=True)",
    ],
)
def test_code_that_knows_its_environment_is_recognised(line: str) -> None:
    assert words_of(ast.parse(line)) & ENVIRONMENTS


def test_no_component_knows_where_it_runs() -> None:
    assert TREE
    assert {str(path): found for path, tree in TREE.items() if (found := words_of(tree) & ENVIRONMENTS)} == {}
