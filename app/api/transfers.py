"""Transfers of credits between accounts."""

from __future__ import annotations

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from app.api.authentication import Spender
from app.api.parameters import AccountName, Amount, Asked, Body, Change, Reason, change_fields, mark_replayed
from app.api.problems import documented
from app.api.services import Injected
from app.credits import account_id

router = APIRouter(prefix="/transfers", tags=["transfers"])


class TransferRequest(Body):
    """Available credits to move."""

    source: AccountName
    target: AccountName = Field(description="Must exist already.", examples=["bob"])
    amount: Amount
    reason: Reason | None = None


class PostedTransfer(BaseModel):
    """A transfer that is durably stored in the home clouds of both accounts."""

    transfer: str
    amount: int
    source: Change
    target: Change


@router.post("", status_code=201, responses=documented(400, 401, 403, 404, 409, 413, 422, 429, 503))
async def transfer(
    request: TransferRequest, response: Response, services: Injected, actor: Spender, asked: Asked
) -> PostedTransfer:
    """Move available credits to another account in any cloud. Moved credits do not expire."""
    moved = await services.ledger_of(actor).transfer(
        account_id(request.source),
        account_id(request.target),
        request.amount,
        origin=asked(actor),
        reason=request.reason,
    )
    mark_replayed(response, moved.source)
    return PostedTransfer(
        transfer=moved.transfer,
        amount=request.amount,
        source=Change(**change_fields(request.source, moved.source)),
        target=Change(**change_fields(request.target, moved.target)),
    )
