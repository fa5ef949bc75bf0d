"""Sends the SDK's debug messages to the engine only where somebody wants them.

The SDK tells the engine each step of each resource in a call of its own, and waits for the answer on the event loop,
also when the engine will drop the message: thousands of calls in a run (pulumi 3.259, `pulumi.log.debug`).
"""

from __future__ import annotations

from collections.abc import Mapping

from pulumi import log

WANTED = "FORTRESS_SDK_DEBUG"


def drop_debug_messages(variables: Mapping[str, str]) -> None:
    """From now on debug messages go nowhere, unless FORTRESS_SDK_DEBUG is set (for use with `pulumi up --debug`)."""
    if not variables.get(WANTED):
        log.debug = _nothing


def _nothing(*_: object, **__: object) -> None:
    """A debug message that nobody reads."""
