"""Credits that are set aside until they are captured, released, or expire."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from app.api.authentication import Reader, Spender
from app.api.parameters import (
    AccountPath,
    Amount,
    Asked,
    Body,
    Change,
    Expiry,
    Injected,
    Pages,
    Reason,
    ReservationPath,
    change,
)
from app.api.problems import documented
from app.api.replays import replayed
from app.credits import account_id

router = APIRouter(prefix="/accounts/{account}/reservations", tags=["reservations"])


class ReservationRequest(Body):
    """Available credits to set aside."""

    amount: Amount
    reason: Reason | None = None
    expires_at: Expiry | None = None


class CaptureRequest(Body):
    """Reserved credits to use."""

    amount: Amount | None = Field(default=None, description="None captures all that is reserved.")
    reason: Reason | None = None


class PostedReservation(Change):
    """A reservation that is durably stored in the account's home cloud."""

    reservation: str
    amount: int


class PostedToReservation(Change):
    """A change of a reservation that is durably stored."""

    reservation: str


class Reservation(BaseModel):
    """A reservation and what became of it."""

    reservation: str
    opened: int = Field(description="Version of the event that reserved the credits.")
    version: int = Field(description="Version of its last event.")
    opened_at: datetime
    expires_at: datetime | None
    reserved: int = Field(description="What was set aside at first.")
    captured: int
    held: int = Field(description="What is still set aside.")
    state: Literal["open", "captured", "released", "expired"]


class Reservations(BaseModel):
    """A page of the reservations of an account, the latest first."""

    account: str
    reservations: list[Reservation]
    next: str | None = Field(description="Cursor of the page behind this one; null on the last.")


@router.post("", status_code=201, responses=documented(400, 401, 403, 404, 409, 413, 422, 429, 503))
async def reserve(
    account: AccountPath,
    request: ReservationRequest,
    response: Response,
    services: Injected,
    actor: Spender,
    asked: Asked,
) -> PostedReservation:
    """Set available credits aside."""
    reservation, posted = await services.ledger_of(actor).reserve(
        account_id(account), request.amount, origin=asked(actor), reason=request.reason, expires_at=request.expires_at
    )
    replayed(response, posted)
    return PostedReservation(**change(account, posted), reservation=reservation, amount=request.amount)


@router.post("/{reservation}/capture", responses=documented(400, 401, 403, 404, 409, 413, 422, 429, 503))
async def capture(
    account: AccountPath,
    reservation: ReservationPath,
    request: CaptureRequest,
    response: Response,
    services: Injected,
    actor: Spender,
    asked: Asked,
) -> PostedToReservation:
    """Use reserved credits; what is not captured stays reserved."""
    posted = await services.ledger_of(actor).capture(
        account_id(account), reservation, request.amount, origin=asked(actor), reason=request.reason
    )
    replayed(response, posted)
    return PostedToReservation(**change(account, posted), reservation=reservation)


@router.post("/{reservation}/release", responses=documented(401, 403, 404, 409, 422, 429, 503))
async def release(
    account: AccountPath,
    reservation: ReservationPath,
    response: Response,
    services: Injected,
    actor: Spender,
    asked: Asked,
) -> PostedToReservation:
    """Give back what is still reserved."""
    posted = await services.ledger_of(actor).release(account_id(account), reservation, origin=asked(actor))
    replayed(response, posted)
    return PostedToReservation(**change(account, posted), reservation=reservation)


@router.get("", responses=documented(401, 403, 404, 422, 429, 503))
async def reservations(account: AccountPath, services: Injected, actor: Reader, paging: Pages) -> Reservations:
    """The reservations of an account, the latest first."""
    pages = f"reservations of {account}"
    before = None if paging.cursor is None else services.cursors.read(pages, paging.cursor)
    found = await services.ledger_of(actor).reservations(account_id(account), before=before, limit=paging.limit)
    return Reservations(
        account=account,
        reservations=[Reservation(**each._asdict()) for each in found],
        next=services.cursors.write(pages, found[-1].opened) if len(found) == paging.limit else None,
    )


@router.get("/{reservation}", responses=documented(401, 403, 404, 422, 429, 503))
async def reservation(
    account: AccountPath, reservation: ReservationPath, services: Injected, actor: Reader
) -> Reservation:
    """A reservation and what became of it."""
    found = await services.ledger_of(actor).reservation(account_id(account), reservation)
    return Reservation(**found._asdict())
