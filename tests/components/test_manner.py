"""The manner of all components: constructors that can be read at a glance, and type tokens that belong to one class."""

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


def test_no_component_knows_where_it_runs() -> None:
    for path, tree in TREE.items():
        words = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
        assert not words & {"local", "is_local", "rehearsal"}, path
