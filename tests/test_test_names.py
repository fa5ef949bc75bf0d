"""Names of tests are short enough to be read in a report."""

from __future__ import annotations

import ast
from pathlib import Path

LONGEST_NAME = 79
FOLDER = Path(__file__).parent


def list_tests() -> list[tuple[Path, str]]:
    """Return every test function below this folder, with its file."""
    return [
        (path, node.name)
        for path in sorted(FOLDER.rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_")
    ]


def test_names_of_tests_are_short() -> None:
    tests = list_tests()
    assert len(tests) > 2000
    long = [f"{path.relative_to(FOLDER)}: {name}" for path, name in tests if len(name) > LONGEST_NAME]
    assert long == [], f"shorten these to {LONGEST_NAME} characters"
