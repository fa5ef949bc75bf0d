"""The contract of one resource type, derived once per process and decoded as far as it is looked at."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

from localcloud.contract import kubernetes, sources
from localcloud.contract.derive import derive
from localcloud.contract.terms import Shape, Term, decode, decode_shape


class UnknownType(Exception):
    """A type token that the installed SDK does not register; names the token and the SDK's version."""


class Contract:
    """What goes into resources of one type and what comes out of them."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._document = document
        self._shapes: dict[str, Shape] = {}

    @property
    def root(self) -> Shape:
        """The shape of the inputs."""
        return self.shape(self._document["root"])

    def shape(self, name: str) -> Shape:
        """A shape that a term of this contract names."""
        if name not in self._shapes:
            self._shapes[name] = decode_shape(self._document["shapes"][name])
        return self._shapes[name]

    @functools.cached_property
    def outputs(self) -> Mapping[str, Term]:
        """The outputs under their wire names, nested ones roughly."""
        return {name: decode(term) for name, term in self._document["outputs"].items()}

    @property
    def secret_outputs(self) -> tuple[str, ...]:
        """The outputs that are secret whatever the inputs were."""
        return tuple(self._document["secret"])

    @property
    def path_parameters(self) -> tuple[str, ...]:
        """The inputs that make up the resource's path on Azure."""
        return tuple(self._document["path"])


@functools.cache
def contract_of(token: str) -> Contract:
    """The contract of a registered type or a custom resource; raises UnknownType for any other token."""
    package = token.removeprefix("pulumi:providers:").partition(":")[0]
    place = sources.registered(package).get(token)
    if place is None and kubernetes.is_custom(token):
        return Contract(kubernetes.custom_contract(token))
    if place is None:
        raise UnknownType(f"{token} is no resource type of {package} {sources.version(package)}")
    return Contract(derive(place))
