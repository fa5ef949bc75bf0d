"""Accounts and grants."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Header, Path, Response, Security
from pydantic import BaseModel, ConfigDict, Field

from app.api.authentication import caller
from app.api.problems import documented
from app.api.services import Services, services_of
from app.credits import ACCOUNT_PATTERN, LARGEST_AMOUNT, LONGEST_REASON, Granted, account_id
from app.tokens import Caller

router = APIRouter(prefix="/accounts", tags=["accounts"])

AccountPath = Annotated[str, Path(pattern=ACCOUNT_PATTERN, description="Name of the account.", examples=["alice"])]
IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        pattern=r"^[\x21-\x7e]{1,200}$",
        description="Makes the request safe to repeat: the first one with this key and content counts.",
    ),
]
Injected = Annotated[Services, Depends(services_of)]
Granter = Annotated[Caller, Security(caller, scopes=["credits:grant"])]
Reader = Annotated[Caller, Security(caller, scopes=["credits:read"])]


class GrantRequest(BaseModel):
    """Credits to give to an account."""

    model_config = ConfigDict(extra="forbid", strict=True)

    amount: Annotated[int, Field(ge=1, le=LARGEST_AMOUNT, description="Whole credits.", examples=[100])]
    reason: Annotated[str, Field(min_length=1, max_length=LONGEST_REASON, pattern=r"^[^\x00]*$")] | None = None


class GrantAnswer(BaseModel):
    """A grant that is durably stored in the account's home cloud."""

    account: str
    amount: int
    balance: int = Field(description="Balance right after this grant.")
    version: int = Field(description="Number of this event in the account's stream.")
    slot: int
    shard: str
    home: str


class AccountAnswer(BaseModel):
    """An account as it is now, and where it lives."""

    account: str
    balance: int
    version: int = Field(description="Number of events that led to the balance.")
    slot: int
    shard: str
    home: str


@router.post("/{account}/grants", status_code=201, responses=documented(401, 403, 409, 422, 503))
async def grant(
    account: AccountPath,
    request: GrantRequest,
    response: Response,
    services: Injected,
    actor: Granter,
    idempotency_key: IdempotencyKey = None,
) -> GrantAnswer:
    """Give credits to an account. The account comes into being with its first grant."""
    granted = Granted(request.amount, request.reason)
    stored = await services.ledger.grant(
        account_id(account), granted, actor=actor.subject, idempotency_key=idempotency_key
    )
    if stored.repeated:
        response.headers["Idempotency-Replayed"] = "true"
    return GrantAnswer(
        account=account,
        amount=request.amount,
        balance=stored.balance,
        version=stored.version,
        slot=stored.place.slot,
        shard=stored.place.shard,
        home=stored.place.home,
    )


@router.get("/{account}", responses=documented(401, 403, 404, 422, 503))
async def read_account(account: AccountPath, services: Injected, _: Reader) -> AccountAnswer:
    """The balance of an account, and its home."""
    state = await services.ledger.account(account_id(account))
    return AccountAnswer(
        account=account,
        balance=state.balance,
        version=state.version,
        slot=state.place.slot,
        shard=state.place.shard,
        home=state.place.home,
    )
