"""Errors as the user sees them: the resource and one line; tracebacks go to the sandbox's log."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from datetime import UTC, datetime
from functools import wraps
from typing import Any, TypeVar

import grpc

from localcloud.sandbox import Sandbox

Call = TypeVar("Call", bound=Callable[..., Any])


class NotOffered(Exception):
    """The emulator does not simulate what was asked for; the text says what it offers instead."""


OUR_OWN = "localcloud."
"""Errors that this package defines say in one line what was wrong; all others are bugs or the machine's."""


def answering(call: Call) -> Call:
    """Turn what a gRPC method raises into the status the engine shows: the URN and one line, never a traceback."""

    @wraps(call)
    def answer(servicer: Any, request: Any, context: grpc.ServicerContext) -> Any:
        subject = getattr(request, "urn", "") or getattr(request, "tok", "")
        try:
            return call(servicer, request, context)
        except Exception as error:
            message = describe(error, servicer.sandbox, f"{call.__name__} {subject}")
        return context.abort(grpc.StatusCode.UNKNOWN, f"{subject}: {message}" if subject else message)

    return answer  # type: ignore[return-value]


def describe(error: Exception, sandbox: Sandbox, what: str) -> str:
    """Describe an error to the user: our own in its words, any other with the place of its trace."""
    if type(error).__module__.startswith(OUR_OWN):
        return str(error)
    try:
        return f"localcloud failed at it ({one_line(error)}); the traceback is in {written_down(sandbox, what)}"
    except OSError as full:
        return f"localcloud failed at it ({one_line(error)}), and its log cannot be written ({one_line(full)})"


def one_line(error: BaseException) -> str:
    """The type of an error and the first line of its text."""
    first = (str(error).splitlines() or [""])[0]
    return f"{type(error).__name__}: {first}" if first else type(error).__name__


def written_down(sandbox: Sandbox, what: str) -> str:
    """Append the traceback of the exception being handled to the sandbox's provider log; returns that file's name."""
    log = sandbox.folder("logs") / "provider.log"
    with log.open("a") as file:
        log.chmod(0o600)
        file.write(f"{datetime.now(UTC).isoformat()} {what}\n{traceback.format_exc()}\n")
    return str(log)
