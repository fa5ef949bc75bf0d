"""Mutants: which changes a module allows, and that a test is asked whether it notices one."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tools.mutants import __main__ as command
from tools.mutants.execute import Outcome, execute, start_server
from tools.mutants.operators import Mutation, list_mutations, mutate

SOURCE = '''
"""A docstring."""
Row = tuple[int, str] | None
LIMIT: int = 3


@decorated("as it is")
def judge(amount: int = 0, *, name: str = "ledger") -> bool | None:
    if amount < LIMIT and not name:
        raise ValueError("the amount is too small")
    log(f"{amount} units")
    return amount == -1
'''


def changes(source: str) -> list[str]:
    return [f"{mutation.before} -> {mutation.after}" for mutation in list_mutations("m.py", source)]


def test_each_place_that_behaves_is_changed_once() -> None:
    assert changes(SOURCE) == [
        "3 -> 4",
        "'ledger' -> 'ledger~'",
        "0 -> 1",
        "if amount < LIMIT and (not name): -> if not (amount < LIMIT and (not name)):",
        "amount < LIMIT and (not name) -> amount < LIMIT or not name",
        "amount < LIMIT -> amount <= LIMIT",
        "not name -> name",
        "raise ValueError('the amount is too small') -> pass",
        "log(f'{amount} units') -> pass",
        "return amount == -1 -> return None",
        "amount == -1 -> amount != -1",
        "1 -> 2",
    ]


def test_one_change_is_made_and_nothing_else() -> None:
    expected = ast.unparse(ast.parse(SOURCE))
    for mutation in list_mutations("m.py", SOURCE):
        assert mutation.number is not None
        changed = ast.unparse(mutate(SOURCE, mutation.number))
        assert changed != expected
        different = [a for a, b in zip(expected.splitlines(), changed.splitlines(), strict=True) if a != b]
        assert len(different) == 1
    assert ast.unparse(mutate(SOURCE, None)) == expected


def test_a_key_stays_when_lines_move_and_is_the_mutants_own() -> None:
    source = "def f(a):\n    return [a + 1, a + 1]\n"
    keys = [mutation.key for mutation in list_mutations("m.py", source)]
    assert keys == [mutation.key for mutation in list_mutations("m.py", "\n\n" + source)]
    assert len(keys) == len(set(keys))
    assert "m.py f: a + 1 -> a - 1 #2" in keys


def test_a_sample_is_drawn_again_by_its_seed_and_takes_areas_in_turn() -> None:
    areas = {"small": ["app/projections/order.py"], "large": ["app/sharding/slot_map.py"]}
    sample = command.choose(areas, 10, seed=3)
    assert sample == command.choose(areas, 10, seed=3) != command.choose(areas, 10, seed=4)
    assert [mutation.module for mutation in sample[:2]] == ["app/projections/order.py", "app/sharding/slot_map.py"]


def test_a_pattern_that_names_no_module_is_refused() -> None:
    with pytest.raises(SystemExit, match=r"app/no_such\.py names no file"):
        command.expand(["app/no_such.py"])


def test_every_listed_module_and_test_exists() -> None:
    import tomllib

    listed = tomllib.loads(command.MODULES.read_text())
    assert {"events", "transfers", "sharding", "projections", "policies", "tests"} == set(listed)
    for patterns in listed.values():
        assert command.expand(patterns)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    (tmp_path / "tiny_mutated.py").write_text("def least(a, b):\n    return a if a < b else b\n")
    (tmp_path / "test_tiny.py").write_text(
        "from tiny_mutated import least\n\n"
        "def test_least():\n    assert least(1, 2) == 1\n\n"
        "def test_equal():\n    assert least(2, 2) == 2\n"
    )
    return tmp_path


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ("a < b -> a <= b", "survived"),
        ("a if a < b else b -> a if not a < b else b", "killed"),
        ("return a if a < b else b -> return None", "killed"),
    ],
)
def test_a_mutant_lives_until_a_test_fails(checkout: Path, change: str, status: str) -> None:
    source = (checkout / "tiny_mutated.py").read_text()
    mutation = next(m for m in list_mutations("tiny_mutated.py", source) if f"{m.before} -> {m.after}" == change)
    tests = ["test_tiny.py::test_least", "test_tiny.py::test_equal"]
    assert execute(start_server(preloaded=()), checkout, mutation, tests, 60).status == status
    assert (checkout / "tiny_mutated.py").read_text() == source


@pytest.mark.slow
def test_a_mutant_that_never_ends_is_killed(checkout: Path) -> None:
    (checkout / "tiny_mutated.py").write_text("def least(a, b):\n    while a < 0:\n        a += 1\n    return a\n")
    source = (checkout / "tiny_mutated.py").read_text()
    [endless] = [m for m in list_mutations("tiny_mutated.py", source) if m.after == "while not a < 0:"]
    assert execute(start_server(preloaded=()), checkout, endless, ["test_tiny.py::test_least"], 5).status == "timeout"


def test_a_mutant_without_a_test_is_untested() -> None:
    mutation = Mutation("m.py", 0, "f", 1, "1", "2")
    assert execute(start_server(preloaded=()), Path(), mutation, [], 5).status == "untested"


def test_the_report_names_each_survivor_with_its_reason() -> None:
    outcomes = [
        Outcome("m.py f: 1 -> 2", "m.py", 3, "killed", 4, 0.5),
        Outcome("m.py f: 2 -> 3", "m.py", 4, "survived", 4, 0.5),
        Outcome("m.py g: 2 -> 3", "m.py", 9, "untested", 0, 0.0),
    ]
    printed = command.report(outcomes, {"events": ["m.py"]}, {"m.py f: 2 -> 3": "equal: nobody reads it"})
    assert "| events | 3 | 1 | 1 | 1 |" in printed
    assert "33% of 3 mutants are killed; 85% are required." in printed
    assert "survived: m.py f: 2 -> 3 (line 4, 4 tests): equal: nobody reads it" in printed
    assert "untested: m.py g: 2 -> 3 (line 9, 0 tests): NO REASON GIVEN" in printed
