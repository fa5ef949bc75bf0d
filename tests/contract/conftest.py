"""Inputs generated from the contracts: valid ones, and each with one thing made wrong."""

from __future__ import annotations

import copy
import random
import re
import re._parser as regex_parser  # type: ignore[import-not-found]
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from localcloud.contract.contracts import Contract, contract_of
from localcloud.contract.facts import FOLDER, Facts, facts_of, read_facts
from localcloud.contract.sources import PACKAGES, registered
from localcloud.contract.terms import (
    Anything,
    Either,
    Enum,
    File,
    JsonText,
    ListOf,
    MapOf,
    Object,
    Quantity,
    Scalar,
    Shape,
    Term,
)
from localcloud.contract.unknown import AssetValue

SEED = 20_261_124
TYPES_OF_EACH_SDK = 130
DEEPEST = 4
STRICT = ("azure-native", "kubernetes")
Path = tuple[str | int, ...]


@dataclass(frozen=True)
class Mutation:
    """One type's inputs with one thing made wrong, and the valid inputs that they come from."""

    token: str
    kind: str
    path: Path
    valid: Mapping[str, Any]
    wrong: Mapping[str, Any]


@dataclass(frozen=True)
class Site:
    """A place in generated inputs that may be made wrong."""

    path: Path
    term: Term
    required: bool
    shape: Shape | None = None


class Generator:
    """Valid inputs of one type, the same on every run, and the places in them."""

    def __init__(self, token: str) -> None:
        self.token = token
        self.sites: list[Site] = []
        self._contract: Contract = contract_of(token)
        self._facts: Facts | None = facts_of(token)
        self._random = random.Random(f"{SEED} {token}")
        self.inputs = self._object(self._contract.root, (), sure=True)

    def _object(self, shape: Shape, path: Path, *, sure: bool) -> dict[str, Any]:
        """An object with what is required and a part of the rest; `sure` where no other term could take its place."""
        if sure:
            self.sites.append(Site(path, Anything(), required=False, shape=shape))
        made: dict[str, Any] = {}
        for name, found in shape.properties.items():
            inner = (*path, name)
            required = found.required or self._pattern(inner) in (self._facts.required if self._facts else ())
            if not required and (len(inner) > DEEPEST or self._random.random() < 0.55):
                continue
            made[name] = shape.constants.get(name) or self._value(found.term, inner, sure=sure, required=required)
        return made

    def _value(self, term: Term, path: Path, *, sure: bool, required: bool = False) -> Any:
        if sure:
            self.sites.append(Site(path, term, required))
        match term:
            case ListOf(item):
                count = self._within(self._limit("lengths", path), (1, 2))
                return [self._value(item, (*path, index), sure=sure) for index in range(count)]
            case MapOf(inner):
                return {key: self._value(inner, (*path, key), sure=sure) for key in ("first", "second")}
            case Object(name):
                return self._object(self._contract.shape(name), path, sure=sure)
            case Either(members):
                return self._value(self._random.choice(members), path, sure=False)
            case _:
                return self._leaf(term, path)

    def _leaf(self, term: Term, path: Path) -> Any:
        allowed = self._limit("allowed", path)
        match term:
            case _ if allowed:
                return self._random.choice(allowed)
            case Enum(values):
                return self._random.choice(values)
            case Scalar("bool"):
                return self._random.random() < 0.5
            case Scalar("int" | "float" as kind):
                number = self._within(self._limit("ranges", path), (1, 60_000))
                return number if kind == "int" else float(number)
            case Scalar():
                return self._text(path)
            case Quantity():
                return self._random.choice(("500m", "2Gi", 3))
            case JsonText():
                return self._random.choice(({"Version": "2012-10-17"}, '{"Version": "2012-10-17"}'))
            case File():
                return AssetValue("archive")
            case _:
                return "anything"

    def _text(self, path: Path) -> str:
        pattern = self._limit("patterns", path)
        if pattern:
            return sample(pattern, self._random)
        length = self._within(self._limit("lengths", path), (1, 12))
        return "".join(self._random.choices("abcdefghijkl", k=length))

    def _within(self, bounds: Any, usual: tuple[int, int]) -> int:
        """A number within a fact's bounds, else within the usual ones."""
        lowest, highest = bounds or usual
        lowest = usual[0] if lowest is None else lowest
        return self._random.randint(int(lowest), int(max(lowest, usual[1]) if highest is None else highest))

    def _limit(self, kind: str, path: Path) -> Any:
        limits: Mapping[str, Any] = getattr(self._facts, kind) if self._facts else {}
        is_item = bool(path) and isinstance(path[-1], int)
        return None if is_item and kind == "lengths" else limits.get(self._pattern(path))

    @staticmethod
    def _pattern(path: Path) -> str:
        return ".".join(step for step in path if isinstance(step, str))

    def mutations(self) -> Iterator[Mutation]:
        """One mutation of each kind that this type's inputs have a place for."""
        for kind, wrong_at in KINDS.items():
            places = [site for site in self.sites if next(iter(wrong_at(self, site)), None) is not None]
            if places:
                site = self._random.choice(places)
                wrong = copy.deepcopy(self.inputs)
                next(iter(wrong_at(self, site)))(wrong)
                yield Mutation(self.token, kind, site.path, self.inputs, wrong)

    def limit_of(self, kind: str, path: Path) -> Any:
        """A fact's limit at a path."""
        return self._limit(kind, path)


Change = Callable[[Any], None]


def holder(inputs: Any, path: Path) -> Any:
    """What holds the last step of a path."""
    for step in path[:-1]:
        inputs = inputs[step]
    return inputs


def put(path: Path, value: Any) -> Change:
    """Set the value at a path."""

    def change(inputs: Any) -> None:
        holder(inputs, path)[path[-1]] = value

    return change


def take(path: Path) -> Change:
    """Remove the value at a path."""

    def change(inputs: Any) -> None:
        del holder(inputs, path)[path[-1]]

    return change


def unknown_property(generator: Generator, site: Site) -> Iterator[Change]:
    """A property that no shape has."""
    if site.shape is not None:
        yield put((*site.path, "noSuchProperty"), "value")


def foreign_scalar(generator: Generator, site: Site) -> Iterator[Change]:
    """A scalar that cannot be read as the one expected."""
    strict = generator.token.startswith(STRICT)
    match site.term:
        case Scalar("int" | "float"):
            yield put(site.path, "several")
        case Scalar("bool"):
            yield put(site.path, "perhaps")
        case Scalar("str") if strict:
            yield put(site.path, 7)
        case Quantity():
            yield put(site.path, "a lot")


def scalar_for_object(generator: Generator, site: Site) -> Iterator[Change]:
    """A scalar where an object, a list or a map is expected."""
    if isinstance(site.term, Object | ListOf | MapOf):
        yield put(site.path, 7)


def outside_the_allowed(generator: Generator, site: Site) -> Iterator[Change]:
    """A value outside a closed enum, a fact's range, its allowed values or its lengths."""
    path = site.path
    if not path or isinstance(site.term, Anything):
        return
    bounds = generator.limit_of("ranges", path)
    if isinstance(site.term, Enum) or (generator.limit_of("allowed", path) and isinstance(site.term, Scalar)):
        yield put(path, "no such choice")
    elif bounds and isinstance(site.term, Scalar):
        yield put(path, bounds[0] - 1 if bounds[0] is not None else bounds[1] + 1)
    elif (lengths := generator.limit_of("lengths", path)) and lengths[1] is not None:
        yield put(path, ["x"] * (lengths[1] + 1) if isinstance(site.term, ListOf) else "x" * (lengths[1] + 1))


def missing_required(generator: Generator, site: Site) -> Iterator[Change]:
    """A required property left out."""
    if site.required:
        yield take(site.path)


KINDS: Mapping[str, Callable[[Generator, Site], Iterator[Change]]] = {
    "unknown property": unknown_property,
    "foreign scalar": foreign_scalar,
    "scalar for object": scalar_for_object,
    "outside the allowed": outside_the_allowed,
    "missing required": missing_required,
}


def sample(pattern: str, chooser: random.Random) -> str:
    """A text that a regular expression matches as a whole."""
    text = "".join(_sampled(regex_parser.parse(pattern), chooser))
    assert re.fullmatch(pattern, text), f"cannot sample {pattern}"
    return text


def _sampled(parsed: Any, chooser: random.Random) -> Iterator[str]:
    for operation, argument in parsed:
        match str(operation):
            case "LITERAL":
                yield chr(argument)
            case "IN":
                yield _one_of(argument, chooser)
            case "ANY" | "NOT_LITERAL":
                yield "x"
            case "BRANCH":
                yield from _sampled(chooser.choice(argument[1]), chooser)
            case "SUBPATTERN":
                yield from _sampled(argument[-1], chooser)
            case "MAX_REPEAT":
                lowest, highest, inner = argument
                for _ in range(chooser.randint(lowest, min(int(highest), lowest + 3))):
                    yield from _sampled(inner, chooser)


def _one_of(choices: Any, chooser: random.Random) -> str:
    operation, argument = chooser.choice([choice for choice in choices if str(choice[0]) != "NEGATE"])
    match str(operation):
        case "LITERAL":
            return chr(argument)
        case "RANGE":
            return chr(chooser.randint(*argument))
        case _:
            return "7" if "DIGIT" in str(argument) else "w"


@pytest.fixture(scope="session")
def mutated_types() -> Mapping[str, tuple[str, ...]]:
    """For each SDK a fixed choice of types, and all that have facts."""
    chosen = {}
    for package in PACKAGES:
        tokens = sorted(registered(package))
        known = {token for file in (FOLDER / package).glob("*.yaml") for token in read_facts(file)}
        picked = random.Random(f"{SEED} {package}").sample(tokens, TYPES_OF_EACH_SDK)
        chosen[package] = tuple(sorted(known.intersection(tokens).union(picked)))
    return chosen


@pytest.fixture(scope="session")
def generate() -> Callable[[str], Generator]:
    """Valid inputs of a type, and their mutations."""
    return Generator
