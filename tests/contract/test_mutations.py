"""No wrong shape passes: generated inputs of several hundred types, each with one thing made wrong.

Every promise is proved twice: of the contract itself, and of a provider process asked by gRPC as the engine asks it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

Check = Callable[[str, Mapping[str, Any]], dict[str, str]]
FEWEST_TYPES = 110
"""Of each of the four SDKs, so more than 400 in all."""

FEWEST_OF_A_KIND = {
    "unknown property": 200,
    "foreign scalar": 50,
    "scalar for object": 100,
    "outside the allowed": 20,
    "missing required": 100,
}


def test_valid_inputs_are_accepted(generated: list[Any], check: Check) -> None:
    refused = {one.token: (found, one.inputs) for one in generated if (found := check(one.token, one.inputs))}
    assert not refused


def test_no_mutation_is_accepted(generated: list[Any], check: Check) -> None:
    accepted, misplaced, kinds, types = [], [], Counter[str](), set()
    for one in generated:
        for mutation in one.mutations():
            assert mutation.wrong != mutation.valid
            kinds[mutation.kind] += 1
            types.add(mutation.token)
            found = check(mutation.token, mutation.wrong)
            if not found:
                accepted.append(mutation)
            elif mutation.place not in found:
                misplaced.append((mutation.token, mutation.kind, mutation.place, found))
    assert not accepted
    assert not misplaced
    assert len(types) >= FEWEST_TYPES
    assert not {kind: kinds[kind] for kind, fewest in FEWEST_OF_A_KIND.items() if kinds[kind] < fewest}
