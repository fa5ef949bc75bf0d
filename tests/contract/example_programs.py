"""Runs the example programs of an SDK's documentation on mocks and prints every resource as a line of JSON.

`python example_programs.py <package> <how many types>`. They are somebody else's programs: what they give to resources
is right by somebody else's judgement. A process of its own, because a run leaves state in the SDK and imports much.
"""

from __future__ import annotations

import asyncio
import json
import logging
import random
import re
import sys
import textwrap
import warnings
from collections.abc import Iterator
from typing import Any

import pulumi
from pulumi.runtime import mocks, rpc, settings
from pulumi.runtime.stack import run_pulumi_func

from localcloud.contract.facts import facts_of
from localcloud.contract.sources import registered, resource_file

PROGRAM = re.compile(r"```python\n(.*?)```", re.DOTALL)
LOOKUP = re.compile(r"\.get_\w+\(")
"""What mocks cannot answer."""

PROGRAMS_OF_A_TYPE = 3
UNKNOWN = {"unknown": True}


class Recorder(mocks.Mocks):
    """Remembers what is registered."""

    def __init__(self) -> None:
        self.resources: list[tuple[str, dict[str, Any]]] = []

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str, dict[str, Any]]:
        self.resources.append((args.typ, args.inputs))
        return f"{args.name}-id", dict(args.inputs)

    def call(self, args: mocks.MockCallArgs) -> dict[str, Any]:
        return {}


def main(package: str, types: int) -> None:
    """Print the resources of the first programs of the types with facts and of some others."""
    tokens = sorted(registered(package))
    known = [token for token in tokens if facts_of(token)]
    others = random.Random(package).sample([token for token in tokens if token not in known], types)
    for token in (*known, *others):
        for program in programs_of(token):
            for type_, inputs in registered_by(program):
                sys.stdout.write(json.dumps([type_, plain(inputs)]) + "\n")


def programs_of(token: str) -> list[str]:
    """The first programs in the documentation of a type that look nothing up."""
    place = registered(token.partition(":")[0])[token]
    source = resource_file(*place)
    text = source.text_of(place.name) if source else ""
    programs = dict.fromkeys(textwrap.dedent(found) for found in PROGRAM.findall(text))
    whole = [program for program in programs if "import pulumi" in program and not LOOKUP.search(program)]
    return whole[:PROGRAMS_OF_A_TYPE]


def registered_by(program: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """What a program registers until it ends or fails: many are fragments that use names from elsewhere."""
    recorder = Recorder()

    async def body() -> None:
        exec(compile(program, "example", "exec"), {"__name__": "__main__"})

    async def whole() -> None:
        settings.set_root_resource(None)
        mocks.set_mocks(recorder, preview=True)
        await run_pulumi_func(body)

    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    try:
        loop.run_until_complete(whole())
    except Exception as error:
        sys.stderr.write(f"{type(error).__name__}: {error}\n")
    loop.close()
    yield from recorder.resources


def plain(value: Any) -> Any:
    """A value as JSON: secrets unwrapped, unknowns and files told by objects of their own."""
    if isinstance(value, dict) and rpc._special_sig_key in value:
        return plain(value["value"])
    if isinstance(value, dict):
        return {key: plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in value]
    if isinstance(value, pulumi.Asset | pulumi.Archive):
        return {"file": True}
    return value if isinstance(value, str | int | float | bool | None) else UNKNOWN


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    main(sys.argv[1], int(sys.argv[2]))
