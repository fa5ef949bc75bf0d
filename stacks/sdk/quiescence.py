"""Waits for the program's outputs in linear time.

At the end of a program the SDK waits for all pending outputs at once, and starts over whenever one of them is done:
a few hundred resources have thousands of outputs, and the waiting costs more than the work (seconds of pure computing
for the estate of three clouds; pulumi 3.259, `wait_for_rpcs`). Before that it waits for calls to the engine, one after
another. So this puts one more call there, which is done when the outputs are; the SDK's own wait finds nothing pending.
"""

from __future__ import annotations

import asyncio
from typing import Any

from pulumi.runtime.rpc_manager import RPCManager
from pulumi.runtime.settings import SETTINGS

LOOK_AGAIN_SECONDS = 1.0


def settle_outputs(rpc_manager: RPCManager) -> None:
    """Call this at the end of the program, inside its event loop. Failed outputs are left for the SDK to report."""
    rpc_manager.rpcs.append(asyncio.ensure_future(_settled(rpc_manager)))


async def _settled(rpc_manager: RPCManager) -> None:
    while (pending := _pending()) is not None:
        done, _ = await asyncio.wait([pending], timeout=LOOK_AGAIN_SECONDS)
        if rpc_manager.unhandled_exception is not None or (not done and _any_failed()):
            return


def _pending() -> asyncio.Future[Any] | None:
    with SETTINGS.lock:
        return next((output for output in SETTINGS.outputs if not output.done()), None)


def _any_failed() -> bool:
    """Failed outputs stay in the set, finished ones leave it."""
    with SETTINGS.lock:
        return any(output.done() for output in SETTINGS.outputs)
