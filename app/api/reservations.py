"""Operations on reservations: credits set aside until they are captured, released, or expire."""

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
    Pages,
    Reason,
    ReservationPath,
    change_fields,
    mark_replayed,
)
from app.api.problems import documented
from app.api.services import Injected
from app.credits import account_id

router = APIRouter(prefix="/accounts/{account}/reservations", tags=["reservations"])


class ReservationRequest(Body):
    """Available credits to reserve."""

    amount: Amount
    reason: Reason | None = None
    expires_at: Expiry | None = None


class CaptureRequest(Body):
    """Reserved credits to spend."""

    amount: Amount | None = Field(default=None, description="Leave it out to capture all.")
    reason: Reason | None = None


class PostedReservation(Change):
    """A reservation that is durably stored in the account's home cloud."""

    reservation: str
    amount: int


class PostedToReservation(Change):
    """A change of a reservation that is durably stored."""

    reservation: str


class Reservation(BaseModel):
    """A reservation and its state."""

    reservation: str
    opened: int = Field(description="Version of the event that reserved the credits.")
    version: int = Field(description="Version of its last event.")
    opened_at: datetime
    expires_at: datetime | None
    reserved: int = Field(description="Credits reserved at first.")
    captured: int
    held: int = Field(description="Credits still reserved.")
    state: Literal["open", "captured", "released", "expired"]


class Reservations(BaseModel):
    """A page of the reservations of an account, latest first."""

    account: str
    reservations: list[Reservation]
    next: str | None = Field(description="Cursor of the next page; null on the last.")


@router.post("", status_code=201, responses=documented(400, 401, 403, 404, 409, 413, 422, 429, 503))
async def reserve(
    account: AccountPath,
    request: ReservationRequest,
    response: Response,
    services: Injected,
    actor: Spender,
    asked: Asked,
) -> PostedReservation:
    """Reserve available credits."""
    reservation, posted = await services.ledger_of(actor).reserve(
        account_id(account), request.amount, origin=asked(actor), reason=request.reason, expires_at=request.expires_at
    )
    mark_replayed(response, posted)
    return PostedReservation(**change_fields(account, posted), reservation=reservation, amount=request.amount)


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
    """Spend reserved credits; the rest stays reserved."""
    posted = await services.ledger_of(actor).capture(
        account_id(account), reservation, request.amount, origin=asked(actor), reason=request.reason
    )
    mark_replayed(response, posted)
    return PostedToReservation(**change_fields(account, posted), reservation=reservation)


@router.post("/{reservation}/release", responses=documented(401, 403, 404, 409, 422, 429, 503))
async def release(
    account: AccountPath,
    reservation: ReservationPath,
    response: Response,
    services: Injected,
    actor: Spender,
    asked: Asked,
) -> PostedToReservation:
    """Release the credits that are still reserved."""
    posted = await services.ledger_of(actor).release(account_id(account), reservation, origin=asked(actor))
    mark_replayed(response, posted)
    return PostedToReservation(**change_fields(account, posted), reservation=reservation)


@router.get("", responses=documented(401, 403, 404, 422, 429, 503))
async def reservations(account: AccountPath, services: Injected, actor: Reader, paging: Pages) -> Reservations:
    """List the reservations of an account, latest first."""
    pages = f"reservations of {account}"
    before = None if paging.cursor is None else services.cursors.read(pages, paging.cursor)
    found = await services.ledger_of(actor).reservations(account_id(account), before=before, limit=paging.limit)
    return Reservations(
        account=account,
        reservations=[Reservation(**reservation._asdict()) for reservation in found],
        next=services.cursors.write(pages, found[-1].opened) if len(found) == paging.limit else None,
    )


@router.get("/{reservation}", responses=documented(401, 403, 404, 422, 429, 503))
async def reservation(
    account: AccountPath, reservation: ReservationPath, services: Injected, actor: Reader
) -> Reservation:
    """A reservation and its state."""
    found = await services.ledger_of(actor).reservation(account_id(account), reservation)
    return Reservation(**found._asdict())
