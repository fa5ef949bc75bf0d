"""Which resource types have a real body on this machine, each loaded when the first resource of its type comes."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import import_module

from localcloud.body import Body

FACTORIES: Mapping[str, str] = {
    "aws:rds/instance:Instance": "localcloud.postgres.aws:Instance",
    "aws:rds/parameterGroup:ParameterGroup": "localcloud.postgres.aws:ParameterGroup",
}
"""Type token -> `module:factory`, the factory being called without arguments."""


@cache
def body_for(token: str) -> Body | None:
    """The real body of a resource type; None where resources of this type are recorded only."""
    factory = FACTORIES.get(token)
    if factory is None:
        return None
    module, _, name = factory.partition(":")
    body: Body = getattr(import_module(module), name)()
    return body
