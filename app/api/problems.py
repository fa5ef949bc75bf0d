"""Errors as application/problem+json (RFC 9457): one form for all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from app.credits import BalanceTooLarge, UnknownAccount
from app.database import DatabaseUnavailable
from app.events import KeyReused
from app.tokens import KeysUnavailable

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
    """A Problem on its way out."""

    media_type = MEDIA_TYPE


def problem(
    status: int,
    detail: str | None = None,
    *,
    kind: str | None = None,
    headers: Mapping[str, str] | None = None,
    **more: Any,
) -> ProblemResponse:
    """A problem response; `kind` names a problem that the status alone does not tell apart."""
    body = {
        "type": TYPE_PREFIX + kind if kind else "about:blank",
        "title": kind.replace("-", " ").capitalize() if kind else HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
    }
    content = {name: value for name, value in (body | more).items() if value is not None}
    return ProblemResponse(content, status, dict(headers or {}))


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """How OpenAPI describes these statuses of an operation."""
    return {
        status: {
            "description": HTTPStatus(status).phrase,
            "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
        for status in statuses
    }


class Refused(Exception):
    """The caller is not known (401) or may not do this (403)."""

    def __init__(self, status: int, detail: str, challenge: str) -> None:
        super().__init__(detail)
        self.status = status
        self.challenge = challenge
        """Value of WWW-Authenticate (RFC 6750)."""


def install(app: FastAPI) -> None:
    """Answer every error of `app` with a problem."""
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Refused, _refused)
    app.add_exception_handler(DatabaseUnavailable, _unavailable)
    app.add_exception_handler(KeysUnavailable, _keys_unavailable)
    for error, (status, kind) in DOMAIN.items():
        app.add_exception_handler(error, _domain_handler(status, kind))
    _describe(app)


def _describe(app: FastAPI) -> None:
    """Add the schema that `documented` refers to; FastAPI itself only knows models of successful answers."""
    without = app.openapi

    def openapi() -> dict[str, Any]:
        document = without()
        document.setdefault("components", {}).setdefault("schemas", {})["Problem"] = Problem.model_json_schema()
        return document

    app.openapi = openapi  # type: ignore[method-assign]


DOMAIN: dict[type[Exception], tuple[int, str]] = {
    UnknownAccount: (404, "unknown-account"),
    KeyReused: (409, "idempotency-key-reused"),
    BalanceTooLarge: (409, "balance-too-large"),
}


def _domain_handler(status: int, kind: str) -> Any:
    async def answer(_: Request, error: Exception) -> ProblemResponse:
        return problem(status, str(error), kind=kind)

    return answer


async def _invalid(_: Request, error: Exception) -> ProblemResponse:
    assert isinstance(error, RequestValidationError)
    return problem(422, "the request is not well-formed", kind="invalid-request", errors=_errors(error.errors()))


def _errors(found: Sequence[Any]) -> list[dict[str, str]]:
    return [{"where": ".".join(str(part) for part in entry["loc"]), "what": str(entry["msg"])} for entry in found]


async def _http(_: Request, error: Exception) -> ProblemResponse:
    assert isinstance(error, HTTPException)
    detail = error.detail if error.detail != HTTPStatus(error.status_code).phrase else None
    return problem(error.status_code, detail, headers=error.headers)


async def _refused(_: Request, error: Exception) -> ProblemResponse:
    assert isinstance(error, Refused)
    return problem(error.status, str(error), headers={"WWW-Authenticate": error.challenge})


async def _unavailable(_: Request, error: Exception) -> ProblemResponse:
    assert isinstance(error, DatabaseUnavailable)
    detail = f"the database of shard {error.shard} is not available; repeat the request with its idempotency key"
    return problem(503, detail, kind="database-unavailable", headers={"Retry-After": RETRY_AFTER_SECONDS})


async def _keys_unavailable(_: Request, __: Exception) -> ProblemResponse:
    detail = "tokens cannot be checked now: the keys of their issuer cannot be read"
    return problem(503, detail, kind="issuer-unavailable", headers={"Retry-After": RETRY_AFTER_SECONDS})
