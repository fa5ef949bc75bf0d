"""No module imports itself by way of others, not even inside a function or only for types.

import-linter's `acyclic_siblings` contract in pyproject.toml forbids cycles between the members of a package. This test
adds what it cannot see: cycles between a module and the `__init__` of a package above it.
"""

from __future__ import annotations

from graphlib import CycleError, TopologicalSorter
from itertools import pairwise

import grimp
import pytest

PACKAGES = ("app", "cli", "components", "localcloud", "policies", "stacks", "tools")


def find_cycle(imports: dict[str, set[str]]) -> list[str]:
    """Return one cycle of imports, its first module also last; empty if there is none."""
    try:
        TopologicalSorter(imports).prepare()
    except CycleError as error:
        cycle: list[str] = error.args[1]
        return cycle[::-1]
    return []


def test_no_modules_import_each_other() -> None:
    graph = grimp.build_graph(*PACKAGES, exclude_type_checking_imports=False, cache_dir=None)
    imports = {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}
    assert len(imports) > 500
    assert sum(map(len, imports.values())) > 1000
    cycle = find_cycle(imports)
    assert not cycle, "modules import each other: " + " -> ".join(cycle)


@pytest.mark.parametrize(
    ("imports", "cycle"),
    [
        ({"a": {"b"}, "b": {"c"}, "c": set()}, []),
        ({"a": {"b"}, "b": {"c"}, "c": {"a"}}, ["a", "b", "c"]),
    ],
)
def test_a_cycle_is_named(imports: dict[str, set[str]], cycle: list[str]) -> None:
    found = find_cycle(imports)
    assert sorted(found[:-1]) == cycle
    assert all(second in imports[first] for first, second in pairwise(found))
