"""No wrong shape passes: generated inputs of several hundred types, each with one thing made wrong."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from localcloud import contract
from localcloud.contract.sources import PACKAGES


@pytest.mark.parametrize("package", PACKAGES)
def test_valid_inputs_are_accepted(
    package: str, mutated_types: Mapping[str, tuple[str, ...]], generate: Callable[[str], Any]
) -> None:
    refused = {}
    for token in mutated_types[package]:
        inputs = generate(token).inputs
        problems = contract.check(package, token, inputs).problems
        if problems:
            refused[token] = (problems, inputs)
    assert not refused


@pytest.mark.parametrize("package", PACKAGES)
def test_no_mutation_is_accepted(
    package: str, mutated_types: Mapping[str, tuple[str, ...]], generate: Callable[[str], Any]
) -> None:
    accepted, kinds, types = [], Counter[str](), set()
    for token in mutated_types[package]:
        for mutation in generate(token).mutations():
            assert mutation.wrong != mutation.valid
            kinds[mutation.kind] += 1
            types.add(token)
            if not contract.check(package, token, mutation.wrong).problems:
                accepted.append(mutation)
    assert not accepted
    assert len(types) >= 100
    assert min(kinds[kind] for kind in ("unknown property", "scalar for object", "missing required")) >= 50
    print(package, len(types), dict(kinds))
