"""Errors as application/problem+json (RFC 9457)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any, NamedTuple

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from app.api.cursors import MalformedCursor
from app.api.rates import TooManyRequests
from app.credits import (
    LARGEST_AMOUNT,
    AccountClosed,
    AccountNotEmpty,
    BalanceTooLarge,
    InsufficientCredits,
    InvalidAccountId,
    InvalidAmount,
    InvalidExpiry,
    InvalidText,
    NaiveTimestamp,
    ReservationClosed,
    ReservationExceeded,
    ReservationExists,
    SameAccount,
    UnknownAccount,
    UnknownReservation,
)
from app.database import DatabaseUnavailable
from app.events import InvalidEvent, KeyReused, Overdue, VersionConflict
from app.personal_data import KeyMissing, MasterKeyFailed, SubjectErased
from app.tokens import KeysUnavailable
from app.topology import NoLogin, StalePlace
from app.transfers import TransferContended

MEDIA_TYPE = "application/problem+json"
TYPE_PREFIX = "urn:problem-type:living-fortress:"
RETRY_AFTER_SECONDS = "1"


class Problem(BaseModel):
    """The body of every error."""

    type: str = Field(examples=[f"{TYPE_PREFIX}unknown-account"])
    title: str
    status: int
    detail: str | None = None
    errors: list[dict[str, str]] | None = Field(default=None, description="Each wrong part of the request.")


class ProblemResponse(JSONResponse):
    """The HTTP response of a Problem."""

    media_type = MEDIA_TYPE


def problem(
    status: int,
    detail: str | None = None,
    *,
    kind: str | None = None,
    headers: Mapping[str, str] | None = None,
    **more: Any,
) -> ProblemResponse:
    """Return a problem response; `kind` distinguishes problems with the same status."""
    body = {
        "type": TYPE_PREFIX + kind if kind else "about:blank",
        "title": kind.replace("-", " ").capitalize() if kind else HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
    }
    content = {name: value for name, value in (body | more).items() if value is not None}
    return ProblemResponse(content, status, dict(headers or {}))


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return the OpenAPI description of problems with these statuses."""
    return {
        status: {
            "description": HTTPStatus(status).phrase,
            "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
        for status in statuses
    }


class Refused(Exception):
    """The caller is not authenticated (401) or lacks a scope (403)."""

    def __init__(self, status: int, detail: str, challenge: str) -> None:
        super().__init__(detail)
        self.status = status
        self.challenge = challenge
        """Value of WWW-Authenticate (RFC 6750)."""


class Answer(NamedTuple):
    """The response to an error type."""

    status: int
    kind: str
    repeat: bool = False
    """Whether the same request may succeed in a moment: adds Retry-After."""
    members: tuple[str, ...] = ()
    """Attributes of the error that the problem contains."""
    detail: str | None = None
    """Replaces the error's own message if that is for the log only."""


ANSWERS: dict[type[Exception], Answer] = {
    UnknownAccount: Answer(404, "unknown-account"),
    UnknownReservation: Answer(404, "unknown-reservation"),
    InvalidAccountId: Answer(422, "invalid-request"),
    InvalidAmount: Answer(422, "invalid-amount"),
    InvalidText: Answer(422, "invalid-request"),
    InvalidExpiry: Answer(409, "invalid-expiry"),  # well-formed, but too late now
    NaiveTimestamp: Answer(422, "invalid-expiry"),
    SameAccount: Answer(409, "same-account"),
    MalformedCursor: Answer(422, "malformed-cursor"),
    InvalidEvent: Answer(422, "invalid-request"),
    InsufficientCredits: Answer(409, "insufficient-credits", members=("needed", "available")),
    ReservationClosed: Answer(409, "reservation-closed"),
    ReservationExceeded: Answer(409, "reservation-exceeded", members=("needed", "reserved")),
    ReservationExists: Answer(409, "reservation-exists"),
    AccountClosed: Answer(409, "account-closed"),
    AccountNotEmpty: Answer(409, "account-not-empty"),
    BalanceTooLarge: Answer(409, "balance-too-large"),
    SubjectErased: Answer(409, "personal-data-erased"),
    KeyMissing: Answer(503, "personal-data-unavailable", repeat=True, detail="sealed data cannot be opened now"),
    MasterKeyFailed: Answer(
        503, "personal-data-unavailable", repeat=True, detail="texts can be neither sealed nor opened now"
    ),
    KeyReused: Answer(409, "idempotency-key-reused"),
    VersionConflict: Answer(503, "contended", repeat=True, detail="others keep changing the account"),
    Overdue: Answer(503, "contended", repeat=True, detail="others keep changing the account"),
    TransferContended: Answer(503, "contended", repeat=True, detail="others keep changing the accounts"),
    StalePlace: Answer(503, "account-moving", repeat=True, detail="the account is moving to another shard"),
    NoLogin: Answer(503, "shard-not-served", repeat=True, detail="this process cannot reach the account's shard yet"),
    KeysUnavailable: Answer(
        503,
        "issuer-unavailable",
        repeat=True,
        detail="tokens cannot be checked now: the keys of their issuer cannot be read",
    ),
}
"""Every expected error of a request, with its response."""


def install(app: FastAPI) -> None:
    """Make `app` answer every error with a problem."""
    for error in (RequestValidationError, HTTPException, Refused, TooManyRequests, DatabaseUnavailable, *ANSWERS):
        app.add_exception_handler(error, _handle)
    _describe(app)


def answer_to(error: Exception) -> ProblemResponse | None:
    """Return the response to an error; None for an unexpected error, which is a defect."""
    for kind in type(error).__mro__:
        if kind in ANSWERS:
            return _respond(ANSWERS[kind], error)
        if kind in _SPECIAL:
            return _SPECIAL[kind](error)
    return None


async def _handle(request: Request, error: Exception) -> ProblemResponse:
    answer = answer_to(error)
    assert answer is not None
    if answer.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        # The framework lists the methods of one of the path's operations only.
        answer.headers["Allow"] = ", ".join(_methods(request.app, request.url.path))
    return answer


def _methods(app: FastAPI, path: str) -> list[str]:
    """Return the methods of a path by the OpenAPI description; no parameter may contain a slash."""
    found: set[str] = set()
    for template, operations in app.openapi()["paths"].items():
        if re.fullmatch(re.sub(r"\{[^}]*\}", "[^/]*", template), path):
            found.update(method.upper() for method in operations)
    return sorted(found)


def _respond(answer: Answer, error: Exception) -> ProblemResponse:
    return problem(
        answer.status,
        answer.detail or str(error),
        kind=answer.kind,
        headers={"Retry-After": RETRY_AFTER_SECONDS} if answer.repeat else None,
        **{name: getattr(error, name) for name in answer.members},
    )


def _describe(app: FastAPI) -> None:
    """Complete FastAPI's description: the schema that `documented` refers to, and bounds too large for a float."""
    without = app.openapi

    def openapi() -> dict[str, Any]:
        document: dict[str, Any] = _exact(without())
        document["components"]["schemas"]["Problem"] = Problem.model_json_schema()
        return document

    app.openapi = openapi  # type: ignore[method-assign]


def _exact(document: Any) -> Any:
    if isinstance(document, dict):
        exact = {name: _exact(value) for name, value in document.items()}
        if exact.get("maximum") == float(LARGEST_AMOUNT):
            exact["maximum"] = LARGEST_AMOUNT
        return exact
    return [_exact(item) for item in document] if isinstance(document, list) else document


def _invalid(error: Any) -> ProblemResponse:
    return problem(422, "the request is not well-formed", kind="invalid-request", errors=_errors(error.errors()))


def _errors(found: Sequence[Any]) -> list[dict[str, str]]:
    return [{"where": ".".join(str(part) for part in entry["loc"]), "what": str(entry["msg"])} for entry in found]


def _http(error: Any) -> ProblemResponse:
    detail = error.detail if error.detail != HTTPStatus(error.status_code).phrase else None
    return problem(error.status_code, detail, headers=error.headers)


def _refused(error: Any) -> ProblemResponse:
    return problem(error.status, str(error), headers={"WWW-Authenticate": error.challenge})


def _too_many(error: Any) -> ProblemResponse:
    return problem(429, str(error), kind="too-many-requests", headers=error.headers)


def _unavailable(error: Any) -> ProblemResponse:
    detail = f"the database of shard {error.shard} is not available; repeat the request with its idempotency key"
    return problem(503, detail, kind="database-unavailable", headers={"Retry-After": RETRY_AFTER_SECONDS})


_SPECIAL: dict[type[BaseException], Callable[[Any], ProblemResponse]] = {
    RequestValidationError: _invalid,
    HTTPException: _http,
    Refused: _refused,
    TooManyRequests: _too_many,
    DatabaseUnavailable: _unavailable,
}
