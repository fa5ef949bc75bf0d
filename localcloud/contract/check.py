"""Inputs against a contract's shapes: names, nesting, types, required properties, closed enums."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from localcloud.contract.contracts import Contract
from localcloud.contract.leaves import Mismatch, described, fitted
from localcloud.contract.paths import join
from localcloud.contract.problems import Problem, names, shown, unknown_name
from localcloud.contract.terms import Either, ListOf, MapOf, Object, Shape, Term
from localcloud.contract.unknown import UNKNOWN


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
        given = meaningful(value)
        for name, found in shape.properties.items():
            if found.required and name not in given:
                self._report(join(path, name), f"missing; expected {self._expected(found.term)}")
        return {name: self._property(shape, name, inner, join(path, name)) for name, inner in given.items()}

    def _property(self, shape: Shape, name: str, value: Any, path: str) -> Any:
        if name not in shape.properties:
            if not shape.open:
                self._report(path, unknown_name(name, shape.properties))
            return value
        constant = shape.constants.get(name)
        if constant is not None and value is not UNKNOWN and value != constant:
            self._report(path, f"expected {shown(constant)}, got {shown(value)}")
            return value
        return self._value(shape.properties[name].term, value, path)

    def _value(self, term: Term, value: Any, path: str) -> Any:
        """The value as `term` takes it; a problem where it does not, and then the value as it was."""
        if value is UNKNOWN:
            return value
        try:
            return self._fitted(term, value, path)
        except Mismatch as expected:
            self._report(path, f"expected {expected}, got {shown(value)}")
            return value

    def _fitted(self, term: Term, value: Any, path: str) -> Any:
        match term:
            case Either(members):
                return self._either(members, value, path)
            case ListOf(item) if isinstance(value, list):
                return [self._value(item, inner, f"{path}[{index}]") for index, inner in enumerate(value)]
            case MapOf(inner) if isinstance(value, Mapping):
                return {key: self._value(inner, item, join(path, key)) for key, item in meaningful(value).items()}
            case Object(name) if isinstance(value, Mapping):
                return self._object(self._contract.shape(name), value, path)
            case ListOf() | MapOf() | Object():
                raise Mismatch(self._expected(term))
            case _:
                return fitted(term, value, lenient=self._lenient)

    def _either(self, members: tuple[Term, ...], value: Any, path: str) -> Any:
        """What the best fitting member makes of the value; of several objects those whose constants it carries."""
        if isinstance(value, Mapping):
            members = tuple(member for member in members if self._carries_constants(member, value)) or members
        attempts = [self._attempt(member, value, path) for member in members]
        result, problems = min(attempts, key=lambda attempt: len(attempt[1]))
        if problems and all(problem.path == path for _, found in attempts for problem in found):
            raise Mismatch(self._expected(Either(members)))
        self.problems += problems
        return result

    def _carries_constants(self, member: Term, value: Mapping[str, Any]) -> bool:
        constants = self._contract.shape(member.shape).constants if isinstance(member, Object) else {}
        return bool(constants) and all(value.get(name) in (constant, UNKNOWN) for name, constant in constants.items())

    def _attempt(self, term: Term, value: Any, path: str) -> tuple[Any, list[Problem]]:
        """What `term` alone makes of the value, and its problems."""
        before, self.problems = self.problems, []
        result = self._value(term, value, path)
        found, self.problems = self.problems, before
        return result, found

    def _report(self, path: str, message: str) -> None:
        self.problems.append(Problem(path, message))

    def _expected(self, term: Term) -> str:
        """A term in words."""
        match term:
            case ListOf(item):
                return f"a list of {self._expected(item)}"
            case MapOf(inner):
                return f"a map to {self._expected(inner)}"
            case Object(name):
                return f"an object with {names(self._contract.shape(name).properties)}"
            case Either(members):
                return " or ".join(self._expected(member) for member in members)
            case _:
                return described(term)


def meaningful(value: Mapping[str, Any]) -> dict[str, Any]:
    """The entries that say something: nulls and the engine's own `__` keys do not."""
    return {key: inner for key, inner in value.items() if inner is not None and not key.startswith("__")}
