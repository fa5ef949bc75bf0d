"""Inputs against a contract: names, nesting, types, required properties, closed enums, and the limits of facts."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from localcloud.contract.contracts import Contract
from localcloud.contract.facts import Bounds, Facts
from localcloud.contract.problems import Problem, explain_unknown_name, items, join, list_allowed, names, select, show
from localcloud.contract.scalars import Mismatch, describe, fit
from localcloud.contract.type_expr import UNKNOWN, Either, ListOf, MapOf, Object, Shape, TypeExpr


class Checker:
    """One pass over one resource's inputs; gathers every problem rather than stopping at the first."""

    def __init__(self, contract: Contract, *, lenient: bool) -> None:
        self.problems: list[Problem] = []
        self._contract = contract
        self._lenient = lenient

    def root(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """The inputs as the cloud takes them."""
        return self._object(self._contract.root, inputs, "")

    def _object(self, shape: Shape, value: Mapping[str, Any], path: str) -> dict[str, Any]:
        given = drop_empty(value)
        for name, found in shape.properties.items():
            if found.required and name not in given:
                self._report(join(path, name), f"missing; expected {self._expected(found.expr)}")
        return {name: self._property(shape, name, inner, join(path, name)) for name, inner in given.items()}

    def _property(self, shape: Shape, name: str, value: Any, path: str) -> Any:
        if name not in shape.properties:
            if not shape.open:
                self._report(path, explain_unknown_name(name, shape.properties))
            return value
        constant = shape.constants.get(name)
        if constant is not None and value is not UNKNOWN and value != constant:
            self._report(path, f"expected {show(constant)}, got {show(value)}")
            return value
        return self._value(shape.properties[name].expr, value, path)

    def _value(self, expr: TypeExpr, value: Any, path: str) -> Any:
        """The value as `expr` takes it; a problem where it does not, and then the value as it was."""
        if value is UNKNOWN:
            return value
        try:
            return self._fit(expr, value, path)
        except Mismatch as expected:
            self._report(path, f"expected {expected}, got {show(value)}")
            return value

    def _fit(self, expr: TypeExpr, value: Any, path: str) -> Any:
        match expr:
            case Either(members):
                return self._either(members, value, path)
            case ListOf(item) if isinstance(value, list):
                return [self._value(item, inner, f"{path}[{index}]") for index, inner in enumerate(value)]
            case MapOf(inner) if isinstance(value, Mapping):
                return {key: self._value(inner, item, join(path, key)) for key, item in drop_empty(value).items()}
            case Object(name) if isinstance(value, Mapping):
                return self._object(self._contract.shape(name), value, path)
            case ListOf() | MapOf() | Object():
                raise Mismatch(self._expected(expr))
            case _:
                return fit(expr, value, lenient=self._lenient)

    def _either(self, members: tuple[TypeExpr, ...], value: Any, path: str) -> Any:
        """What the best fitting member makes of the value; of several objects those whose constants it carries."""
        if isinstance(value, Mapping):
            members = tuple(member for member in members if self._carries_constants(member, value)) or members
        attempts = [self._attempt(member, value, path) for member in members]
        result, problems = min(attempts, key=lambda attempt: len(attempt[1]))
        if problems and all(problem.path == path for _, found in attempts for problem in found):
            raise Mismatch(self._expected(Either(members)))
        self.problems += problems
        return result

    def _carries_constants(self, member: TypeExpr, value: Mapping[str, Any]) -> bool:
        constants = self._contract.shape(member.shape).constants if isinstance(member, Object) else {}
        return bool(constants) and all(value.get(name) in (constant, UNKNOWN) for name, constant in constants.items())

    def _attempt(self, expr: TypeExpr, value: Any, path: str) -> tuple[Any, list[Problem]]:
        """What `expr` alone makes of the value, and its problems."""
        before, self.problems = self.problems, []
        result = self._value(expr, value, path)
        found, self.problems = self.problems, before
        return result, found

    def _report(self, path: str, message: str) -> None:
        self.problems.append(Problem(path, message))

    def _expected(self, expr: TypeExpr) -> str:
        """A expr in words."""
        match expr:
            case ListOf(item):
                return f"a list of {self._expected(item)}"
            case MapOf(inner):
                return f"a map to {self._expected(inner)}"
            case Object(name):
                return f"an object with {names(self._contract.shape(name).properties)}"
            case Either(members):
                return " or ".join(self._expected(member) for member in members)
            case _:
                return describe(expr)


def drop_empty(value: Mapping[str, Any]) -> dict[str, Any]:
    """The entries that say something: nulls and the engine's own `__` keys do not."""
    return {key: inner for key, inner in value.items() if inner is not None and not key.startswith("__")}


def find_broken_limits(facts: Facts, inputs: Mapping[str, Any]) -> Iterator[Problem]:
    """Every limit of the facts that checked inputs break; values of a wrong type are no concern of this one."""
    for pattern, bounds in facts.lengths.items():
        for path, value in select(pattern, inputs):
            if isinstance(value, str | list) and not _within(len(value), bounds):
                what = "characters" if isinstance(value, str) else "items"
                yield Problem(path, f"expected {_range(bounds)} {what}, got {len(value)}")
    yield from _find_broken_values(facts, inputs)


def _find_broken_values(facts: Facts, inputs: Mapping[str, Any]) -> Iterator[Problem]:
    for path, value, bounds in _values(facts.ranges, inputs):
        if isinstance(value, int | float) and not isinstance(value, bool) and not _within(value, bounds):
            yield Problem(path, f"expected {_range(bounds)}, got {show(value)}")
    for path, value, expression in _values(facts.patterns, inputs):
        if isinstance(value, str) and not re.fullmatch(expression, value):
            yield Problem(path, f"expected text like {expression}, got {show(value)}")
    for path, value, allowed in _values(facts.allowed, inputs):
        if value not in allowed:
            yield Problem(path, f"expected {list_allowed(allowed)}, got {show(value)}")


def _values(limits: Mapping[str, Any], inputs: Mapping[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    """Each single known value that has a limit, with its path and that limit."""
    for pattern, limit in limits.items():
        for path, found in select(pattern, inputs):
            for place, value in items(path, found):
                if value is not UNKNOWN:
                    yield place, value, limit


def _within(number: float, bounds: Bounds) -> bool:
    lowest, highest = bounds
    return (lowest is None or number >= lowest) and (highest is None or number <= highest)


def _range(bounds: Bounds) -> str:
    lowest, highest = bounds
    if highest is None:
        return f"at least {lowest}"
    return f"at most {highest}" if lowest is None else f"{lowest} to {highest}"
