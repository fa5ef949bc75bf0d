"""Operations on accounts: grant, spend, statement, close, expire."""

from __future__ import annotations

from datetime import datetime

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from app.api.authentication import Administrator, Granter, Reader, Spender
from app.api.parameters import (
    AccountPath,
    Amount,
    Asked,
    Body,
    Change,
    Expiry,
    Pages,
    Reason,
    change_fields,
    mark_replayed,
)
from app.api.problems import documented
from app.api.services import Injected
from app.credits import account_id

router = APIRouter(prefix="/accounts", tags=["accounts"])


class GrantRequest(Body):
    """Credits to give to an account."""

    amount: Amount
    reason: Reason | None = None
    expires_at: Expiry | None = None


class SpendRequest(Body):
    """Available credits to use."""

    amount: Amount
    reason: Reason | None = None


class ClosingRequest(Body):
    """Why an account is closed."""

    reason: Reason | None = None


class PostedAmount(Change):
    """An amount that is durably stored in the account's home cloud."""

    amount: int


class Line(BaseModel):
    """One event of an account."""

    version: int
    recorded_at: datetime
    type: str = Field(examples=["Granted"])
    change: int = Field(description="Change of the available credits.")
    balance: int = Field(description="Available credits after the event.")
    details: dict[str, object] = Field(description="Its other fields: amount, reason, reservation, other account.")


class Statement(BaseModel):
    """A page of the events of an account, latest first."""

    account: str
    lines: list[Line]
    next: str | None = Field(description="Cursor of the next page; null on the last.")


class Expired(BaseModel):
    """Expired grants and reservations are recorded."""

    account: str
    events: int = Field(description="Number of expired grants and reservations.")


@router.post("/{account}/grants", status_code=201, responses=documented(400, 401, 403, 409, 413, 422, 429, 503))
async def grant(
    account: AccountPath, request: GrantRequest, response: Response, services: Injected, actor: Granter, asked: Asked
) -> PostedAmount:
    """Grant credits to an account. The first grant creates the account."""
    posted = await services.ledger_of(actor).grant(
        account_id(account), request.amount, origin=asked(actor), reason=request.reason, expires_at=request.expires_at
    )
    mark_replayed(response, posted)
    return PostedAmount(**change_fields(account, posted), amount=request.amount)


@router.post("/{account}/spends", status_code=201, responses=documented(400, 401, 403, 404, 409, 413, 422, 429, 503))
async def spend(
    account: AccountPath, request: SpendRequest, response: Response, services: Injected, actor: Spender, asked: Asked
) -> PostedAmount:
    """Spend available credits, those that expire first first."""
    posted = await services.ledger_of(actor).spend(
        account_id(account), request.amount, origin=asked(actor), reason=request.reason
    )
    mark_replayed(response, posted)
    return PostedAmount(**change_fields(account, posted), amount=request.amount)


@router.get("/{account}/statement", responses=documented(401, 403, 404, 422, 429, 503))
async def statement(account: AccountPath, services: Injected, actor: Reader, paging: Pages) -> Statement:
    """List the events of an account, latest first."""
    pages = f"statement of {account}"
    before = None if paging.cursor is None else services.cursors.read(pages, paging.cursor)
    lines = await services.ledger_of(actor).statement(account_id(account), before=before, limit=paging.limit)
    more = len(lines) == paging.limit and lines[-1].version > 1
    return Statement(
        account=account,
        lines=[Line(**line._asdict()) for line in lines],
        next=services.cursors.write(pages, lines[-1].version) if more else None,
    )


@router.post("/{account}/close", responses=documented(400, 401, 403, 404, 409, 413, 422, 429, 503))
async def close(
    account: AccountPath,
    request: ClosingRequest,
    response: Response,
    services: Injected,
    actor: Administrator,
    asked: Asked,
) -> Change:
    """Close an empty account for good."""
    posted = await services.ledger_of(actor).close(account_id(account), origin=asked(actor), reason=request.reason)
    mark_replayed(response, posted)
    return Change(**change_fields(account, posted))


@router.post("/{account}/expire", responses=documented(401, 403, 404, 409, 422, 429, 503))
async def expire(account: AccountPath, services: Injected, actor: Administrator, asked: Asked) -> Expired:
    """Record expired credits now; otherwise this happens within seconds."""
    events = await services.ledger_of(actor).expire(account_id(account), origin=asked(actor))
    return Expired(account=account, events=events)
