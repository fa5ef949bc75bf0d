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
from localcloud.contract.problems import join
from localcloud.contract.sources import PACKAGES, registered
from localcloud.contract.type_expr import (
    Anything,
    AssetValue,
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
    TypeExpr,
)

SEED = 20_261_124
TYPES_OF_EACH_SDK = 130
PLACES_OF_EACH_KIND = 2
DEEPEST = 4
LEFT_OUT = 0.5
"""How often a property that is not required is left out."""
OWN_NAMES = ("name", "bucket", "identifier")
STRICT = ("azure-native", "kubernetes")
Path = tuple[str | int, ...]


@dataclass(frozen=True)
class Mutation:
    """One type's inputs with one thing made wrong, and the valid inputs that they come from."""

    token: str
    kind: str
    place: str
    """The path at which the problem is to be reported."""
    valid: Mapping[str, Any]
    wrong: Mapping[str, Any]


@dataclass(frozen=True)
class Site:
    """A place in generated inputs that may be made wrong."""

    path: Path
    expr: TypeExpr
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
        self._own_names = {*OWN_NAMES, *self._contract.path_parameters}
        limits = ("ranges", "lengths", "allowed")
        self._limited = [path for kind in limits for path in (getattr(self._facts, kind) if self._facts else ())]
        self.inputs = self._object(self._contract.root, (), sure=True)

    def _object(self, shape: Shape, path: Path, *, sure: bool) -> dict[str, Any]:
        """An object with what is required and a part of the rest; `sure` where no other expr could take its place."""
        if sure:
            self.sites.append(Site(path, Anything(), required=False, shape=shape))
        made: dict[str, Any] = {}
        for name, found in shape.properties.items():
            inner = (*path, name)
            if not (found.required or self._is_wanted(inner)) and self._is_left_out(inner):
                continue
            made[name] = shape.constants.get(name) or self._value(found.expr, inner, sure=sure, required=found.required)
        return made

    def _is_wanted(self, path: Path) -> bool:
        """Whether a property names the resource, so that no name is made up, or leads to what facts limit."""
        pattern = self._pattern(path)
        return pattern in self._own_names or any(f"{limited}.".startswith(f"{pattern}.") for limited in self._limited)

    def _is_left_out(self, path: Path) -> bool:
        return len(path) > DEEPEST or self._random.random() < LEFT_OUT

    def _value(self, expr: TypeExpr, path: Path, *, sure: bool, required: bool = False) -> Any:
        if sure:
            self.sites.append(Site(path, expr, required))
        match expr:
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
                return self._leaf(expr, path)

    def _leaf(self, expr: TypeExpr, path: Path) -> Any:
        allowed = self._limit("allowed", path)
        match expr:
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
        """Mutations of each kind that this type's inputs have a place for, at a few places of each."""
        for kind, changes_at in KINDS.items():
            changes = [change for site in self.sites for change in changes_at(self, site)]
            for change in self._random.sample(changes, min(PLACES_OF_EACH_KIND, len(changes))):
                wrong = copy.deepcopy(self.inputs)
                change.make(wrong)
                yield Mutation(self.token, kind, place(change.path), self.inputs, wrong)

    def limit_of(self, kind: str, path: Path) -> Any:
        """A fact's limit at a path."""
        return self._limit(kind, path)


@dataclass(frozen=True)
class Change:
    """One thing to be made wrong: a value to set at a path, or nothing to take away what is there."""

    path: Path
    value: Any = None

    def make(self, inputs: Any) -> None:
        """Make it wrong."""
        for step in self.path[:-1]:
            inputs = inputs[step]
        if self.value is None:
            del inputs[self.path[-1]]
        else:
            inputs[self.path[-1]] = self.value


def place(path: Path) -> str:
    """A path in words, e.g. `spec.containers[0].image`."""
    text = ""
    for step in path:
        text = f"{text}[{step}]" if isinstance(step, int) else join(text, step)
    return text


def unknown_property(generator: Generator, site: Site) -> Iterator[Change]:
    """A property that no shape has."""
    if site.shape is not None:
        yield Change((*site.path, "noSuchProperty"), "value")


def foreign_scalar(generator: Generator, site: Site) -> Iterator[Change]:
    """A scalar that cannot be read as the one expected."""
    strict = generator.token.startswith(STRICT)
    match site.expr:
        case Scalar("int" | "float"):
            yield Change(site.path, "several")
        case Scalar("bool"):
            yield Change(site.path, "perhaps")
        case Scalar("str") if strict:
            yield Change(site.path, 7)
        case Quantity():
            yield Change(site.path, "a lot")


def scalar_for_object(generator: Generator, site: Site) -> Iterator[Change]:
    """A scalar where an object, a list or a map is expected."""
    if isinstance(site.expr, Object | ListOf | MapOf):
        yield Change(site.path, 7)


def outside_the_allowed(generator: Generator, site: Site) -> Iterator[Change]:
    """A value outside a closed enum, a fact's range, its allowed values or its lengths."""
    path = site.path
    if not path or isinstance(site.expr, Anything):
        return
    bounds = generator.limit_of("ranges", path)
    if isinstance(site.expr, Enum) or (generator.limit_of("allowed", path) and isinstance(site.expr, Scalar)):
        yield Change(path, "no such choice")
    elif bounds and isinstance(site.expr, Scalar):
        yield Change(path, bounds[0] - 1 if bounds[0] is not None else bounds[1] + 1)
    elif (lengths := generator.limit_of("lengths", path)) and lengths[1] is not None:
        yield Change(path, ["x"] * (lengths[1] + 1) if isinstance(site.expr, ListOf) else "x" * (lengths[1] + 1))


def missing_required(generator: Generator, site: Site) -> Iterator[Change]:
    """A required property left out; the metadata of an object are made up where they are missing, as its name is."""
    if site.required and site.path != ("metadata",):
        yield Change(site.path)


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


def chosen_types(package: str) -> tuple[str, ...]:
    """A fixed choice of the package's types, and all that have facts."""
    tokens = sorted(registered(package).keys() - {f"pulumi:providers:{package}"})
    known = {token for file in (FOLDER / package).glob("*.yaml") for token in read_facts(file)}
    picked = random.Random(f"{SEED} {package}").sample(tokens, TYPES_OF_EACH_SDK)
    return tuple(sorted(known.intersection(tokens).union(picked)))


@pytest.fixture(scope="session")
def generate() -> Callable[[str], Generator]:
    """Valid inputs of a type, and their mutations."""
    return Generator


@pytest.fixture(params=PACKAGES)
def package(request: pytest.FixtureRequest) -> str:
    """Each of the four packages."""
    return str(request.param)


@pytest.fixture
def generated(package: str) -> list[Generator]:
    """Inputs of several types of the package, each with its mutations."""
    return [Generator(token) for token in chosen_types(package)]
