"""All resources of a stack, and what joins them, over all clouds."""

from __future__ import annotations

import functools
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from policies.resource import STACK, Resource
from policies.values import Undeterminable
from policies.view import View

IDENTITIES = ("id", "arn", "name", "selfLink", "bucket")
"""Properties by which other resources refer to one, besides depending on it."""


class Stack:
    """What a stack check sees besides its resource."""

    def __init__(self, resources: Iterable[Resource]) -> None:
        self.resources = tuple(resources)
        self._by_urn = {resource.urn: resource for resource in self.resources}
        self._by_type: dict[str, list[Resource]] = defaultdict(list)
        for resource in self.resources:
            self._by_type[resource.type].append(resource)
        # Every resource asks for those that mean it, often by several checks: what each says is read once.
        self._identities: dict[Resource, frozenset[str]] = {}
        self._named: dict[tuple[Resource, str], frozenset[str]] = {}
        self._meaning: dict[tuple[str, str], _Meaning] = {}

    def __iter__(self) -> Iterator[Resource]:
        return iter(self.resources)

    @property
    def root(self) -> Resource | None:
        """Return the stack's own resource, where it is among them."""
        return next(iter(self._by_type.get(STACK, ())), None)

    def of_type(self, *types: str) -> tuple[Resource, ...]:
        """Return the resources of these types, in the order of the types."""
        return tuple(resource for token in types for resource in self._by_type.get(token, ()))

    def at(self, urn: str) -> Resource | None:
        """Return the resource with this URN."""
        return self._by_urn.get(urn)

    def sources(self, resource: Resource, path: str) -> tuple[Resource, ...]:
        """Return what the value of a property came from, as the engine recorded it for the top-level property."""
        return tuple(found for urn in _dependencies(resource, path) if (found := self.at(urn)))

    def companions(self, resource: Resource, *types: str, by: str) -> tuple[Resource, ...]:
        """Return the resources of `types` whose property `by` means `resource`: it came from there, or names it.

        An unknown value whose source is not recorded is taken for another resource's: whoever needs the companion
        then fails or cannot be determined, but never passes.
        """
        return tuple(companion for token in types for companion in self._companions(resource, token, by))

    def _companions(self, resource: Resource, token: str, by: str) -> Iterator[Resource]:
        candidates = self._by_type.get(token)
        if not candidates:
            return
        meaning = self._meaning_of(token, by)
        places = set(meaning.by_urn.get(resource.urn, ()) if self.at(resource.urn) else ())
        for name in self._identities_of(resource):
            places.update(meaning.by_name.get(name, ()))
        yield from (candidates[place] for place in sorted(places))

    def refers(self, resource: Resource, path: str, target: Resource) -> bool:
        """Tell whether the property at `path` (through lists) means `target`."""
        if target.urn in _dependencies(resource, path) and self.at(target.urn):
            return True
        named = self._names(resource, path)
        return bool(named) and not self._identities_of(target).isdisjoint(named)

    def _meaning_of(self, token: str, path: str) -> _Meaning:
        """Return which resources those of a type mean by a property."""
        key = (token, path)
        if key not in self._meaning:
            found = self._meaning[key] = _Meaning()
            for place, one in enumerate(self._by_type[token]):
                for urn in _dependencies(one, path):
                    found.by_urn[urn].append(place)
                for name in self._names(one, path):
                    found.by_name[name].append(place)
        return self._meaning[key]

    def _names(self, resource: Resource, path: str) -> frozenset[str]:
        """Return the texts at the path; none where one of them is not known."""
        key = (resource, path)
        if key not in self._named:
            try:
                self._named[key] = frozenset(resource.texts(path, alone=True))
            except Undeterminable:
                self._named[key] = frozenset()
        return self._named[key]

    def _identities_of(self, resource: Resource) -> frozenset[str]:
        if resource not in self._identities:
            self._identities[resource] = identities(resource)
        return self._identities[resource]


@dataclass(frozen=True)
class _Meaning:
    """The places of resources among those of their type, by what one of their properties came from or names."""

    by_urn: Mapping[str, list[int]] = field(default_factory=functools.partial(defaultdict, list))
    by_name: Mapping[str, list[int]] = field(default_factory=functools.partial(defaultdict, list))


def _dependencies(resource: Resource, path: str) -> tuple[str, ...]:
    """Return the URNs from which the value of a property came."""
    return resource.property_dependencies.get(path.partition(".")[0], ())


def identities(resource: Resource) -> frozenset[str]:
    """Return the texts by which others may name the resource, as far as they are known."""
    return frozenset(
        text for path in IDENTITIES for view in (resource.outputs, resource) if (text := _text(view, path))
    )


def _text(view: View, path: str) -> str:
    try:
        return view.text(path)
    except Undeterminable:
        return ""
