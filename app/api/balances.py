"""The balance of an account: the most frequent request, so its path is kept short."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable

import orjson
from fastapi import APIRouter, Response
from pydantic import BaseModel, Field
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app import scopes
from app.api.authentication import Reader, authenticate
from app.api.parameters import AccountPath
from app.api.problems import answer_to, documented
from app.api.services import Injected, Services
from app.credits import ACCOUNT_PATTERN, AccountId, Ledger, account_id

router = APIRouter(prefix="/accounts", tags=["accounts"])

ROUTE = "/accounts/{account}"
PATH = re.compile(f"/accounts/({ACCOUNT_PATTERN.removeprefix('^').removesuffix('$')})")
Reading = Callable[[str, AccountId], Awaitable[bytes]]


class Account(BaseModel):
    """The state of an account, and where it lives."""

    account: str
    balance: int = Field(description="Available credits.")
    reserved: int = Field(description="Reserved credits.")
    version: int = Field(description="Number of events that led to the balance.")
    closed: bool
    slot: int
    shard: str
    home: str


@router.get("/{account}", response_model=Account, responses=documented(401, 403, 404, 422, 429, 503))
async def read_account(account: AccountPath, services: Injected, actor: Reader) -> Response:
    """Return the balance of an account, and where it lives."""
    return Response(await _body(services.ledger_of(actor), account_id(account)), media_type="application/json")


async def _body(ledger: Ledger, account: AccountId) -> bytes:
    place, version, available, reserved, closed = await ledger.balance(account)
    return orjson.dumps(
        {
            "account": account,
            "balance": available,
            "reserved": reserved,
            "version": version,
            "closed": closed,
            "slot": place.slot,
            "shard": place.shard,
            "home": place.home,
        }
    )


class BalanceReads:
    """Middleware that answers well-formed reads of balances itself and passes everything else on.

    Its answers equal those of `read_account`, without the cost of the framework's routing and validation.
    """

    def __init__(self, app: ASGIApp, services: Services) -> None:
        self._app = app
        self._services = services

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        found = PATH.fullmatch(scope["path"]) if scope["type"] == "http" and scope["method"] == "GET" else None
        if found is None:
            await self._app(scope, receive, send)
            return
        scope["fortress.route"] = ROUTE
        try:
            caller = await authenticate(self._services, _authorization(scope), scopes.Scope.READ)
            body = await _body(self._services.ledger_of(caller), AccountId(found[1]))
        except Exception as error:
            problem = answer_to(error)
            if problem is None:
                raise
            await problem(scope, receive, send)
            return
        await send(_start(len(body)))
        await send({"type": "http.response.body", "body": body})


def _authorization(scope: Scope) -> str:
    for name, value in scope["headers"]:
        if name == b"authorization":
            text: str = value.decode("latin-1")
            return text
    return ""


def _start(length: int) -> Message:
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % length)]
    return {"type": "http.response.start", "status": 200, "headers": headers}
