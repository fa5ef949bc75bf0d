"""The glossary names what exists, and its retired words do not return as names."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
GLOSSARY = ROOT / "docs" / "glossary.md"
PACKAGES = ("app", "cli", "components", "localcloud", "policies", "stacks", "tools")

RETIRED: dict[str, dict[str, tuple[str, ...]]] = {
    "everywhere": {
        "module": (
            "adopt", "at_hand", "belongings", "bodies", "collector", "crew", "eager", "entrance", "growing", "healing",
            "joints", "leaving", "leftovers", "openings", "persistently", "standing", "stand_ins", "turns",
            "watch_passes", "watch_words", "world", "worlds",
        ),
        "class": (
            "AppEntrance", "Crew", "ShardWorld", "Standing", "Told", "Torn",
            "Travels", "Turns", "World", "Worlds", "WorldsMixed",
        ),
        "function": ("calm", "keep_worlds_apart", "persistently", "stand_ins", "told"),
    },
    "app": {"module": ("budget", "cancellation", "marks", "statements")},
    "app/credits": {"class": ("Expiry",)},
    "app/sharding": {"class": ("Side",)},
    "components": {"class": ("MultiCloudDatabase", "Placement")},
    "localcloud": {"class": ("Body", "Home"), "module": ("leaves", "places", "records", "terms")},
    "policies": {"module": ("copies", "places", "statements", "trail")},
}  # fmt: skip
"""Names that have a standard term, by the folder in which they mean what the glossary retires."""
PENDING: set[str] = set()
"""Names that are still to be renamed."""


def code_names() -> list[str]:
    """Every name in the last column of the glossary's tables of terms."""
    text = GLOSSARY.read_text().split("## Retired words")[0]
    cells = [line.strip("| \n").split(" | ")[-1] for line in text.splitlines() if line.startswith("| ")]
    return [name for cell in cells for name in re.findall(r"`([^`]+)`", cell)]


@cache
def definitions(module: Path) -> set[str]:
    """Return the names that a module defines at its top level."""
    found: set[str] = set()
    for node in ast.parse(module.read_text()).body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            found.add(node.name)
        elif isinstance(node, ast.Assign):
            found.update(target.id for target in node.targets if isinstance(target, ast.Name))
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            found.add(node.target.id)
    return found


def exists(name: str) -> bool:
    """Say whether `name` is a path, a module, or a module and a name that it defines."""
    if "/" in name:
        return (ROOT / name).exists()
    if module_of(name):
        return True
    parent, _, last = name.rpartition(".")
    module = module_of(parent)
    return module is not None and last in definitions(module)


def module_of(dotted: str) -> Path | None:
    base = ROOT.joinpath(*dotted.split("."))
    return next((path for path in (base.with_suffix(".py"), base / "__init__.py") if path.is_file()), None)


def names_in(package: str) -> Iterator[tuple[str, str, Path]]:
    """Yield kind, name and file of every module, folder, class and function of a package."""
    for path in (ROOT / package).rglob("*.py"):
        relative = path.relative_to(ROOT)
        yield "module", (path.parent.name if path.stem == "__init__" else path.stem), relative
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ClassDef):
                yield "class", node.name, relative
            elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield "function", node.name, relative


def test_the_glossary_has_terms() -> None:
    assert len(code_names()) > 40


@pytest.mark.parametrize("name", sorted(set(code_names())))
def test_a_glossary_term_exists_where_it_says(name: str) -> None:
    assert exists(name), f"docs/glossary.md names {name}: correct it, or add what it names"


def retired(kind: str, path: Path) -> set[str]:
    """Return the names of a kind that may not be used in a file."""
    return {
        name
        for folder, kinds in RETIRED.items()
        if folder == "everywhere" or path.is_relative_to(folder)
        for name in kinds.get(kind, ())
    }


@pytest.mark.parametrize("package", PACKAGES)
def test_no_retired_word_returns_as_a_name(package: str) -> None:
    names = list(names_in(package))
    assert names
    found = [f"{path}: {kind} {name}" for kind, name, path in names if name in retired(kind, path) - PENDING]
    assert found == [], "docs/glossary.md has the words to use instead"
