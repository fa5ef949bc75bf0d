"""Parameters and fields that several operations share."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import Depends, Header, Path, Query, Request
from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field

from app.api.services import Services, services_of
from app.credits import ACCOUNT_PATTERN, LARGEST_AMOUNT, LARGEST_PAGE, LONGEST_REASON, PAGE, Origin, Posted
from app.tokens import Caller

Injected = Annotated[Services, Depends(services_of)]
AccountPath = Annotated[str, Path(pattern=ACCOUNT_PATTERN, description="Name of the account.", examples=["alice"])]
AccountName = Annotated[str, Field(pattern=ACCOUNT_PATTERN, examples=["alice"])]
ReservationPath = Annotated[str, Path(pattern=r"^[0-9a-f]{32}$", description="As it was given when it was made.")]


def _whole(value: object) -> object:
    """JSON knows one kind of number: 100.0 is the whole number 100, as long as no digit can have been lost."""
    exact = isinstance(value, float) and value.is_integer() and abs(value) < 2**53
    return int(value) if exact else value  # type: ignore[call-overload]


Amount = Annotated[
    int,
    Field(ge=1, le=LARGEST_AMOUNT, description="Whole credits.", examples=[100]),
    BeforeValidator(_whole),
]
Reason = Annotated[str, Field(min_length=1, max_length=LONGEST_REASON, pattern=r"^[^\x00]*$")]


def _iso(value: object) -> object:
    """Nothing but ISO 8601: pydantic would take numbers, too."""
    return datetime.fromisoformat(value) if isinstance(value, str) else value


Expiry = Annotated[
    AwareDatetime,
    BeforeValidator(_iso),
    Field(description="A moment in the future, with its time zone.", examples=["2036-01-31T00:00:00Z"]),
]


class Paging(BaseModel):
    """Which page of a list, and how long; a misspelt parameter is told, not passed over."""

    model_config = ConfigDict(extra="forbid")

    cursor: str | None = Field(default=None, max_length=100, description="`next` of the page before; none begins anew.")
    limit: int = Field(default=PAGE, ge=1, le=LARGEST_PAGE, description="Most entries on the page.")


Pages = Annotated[Paging, Query()]


class Body(BaseModel):
    """What is sent is exactly what is described."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Change(BaseModel):
    """A change that is durably stored in the account's home cloud."""

    account: str
    balance: int = Field(description="Available credits right after it.")
    version: int = Field(description="Number of its event in the account's stream.")
    slot: int
    shard: str
    home: str


def change(account: str, posted: Posted) -> dict[str, str | int]:
    """The fields of a Change."""
    place = posted.place
    return {
        "account": account,
        "balance": posted.balance,
        "version": posted.version,
        "slot": place.slot,
        "shard": place.shard,
        "home": place.home,
    }


class RequestOrigin:
    """Makes the origin of a change, once its caller is known."""

    def __init__(
        self,
        request: Request,
        idempotency_key: Annotated[
            str | None,
            Header(
                alias="Idempotency-Key",
                pattern=r"^[\x21-\x7e]{1,200}$",
                description="Makes the request safe to repeat: the first one with this key and content counts.",
            ),
        ] = None,
    ) -> None:
        self._key = idempotency_key
        self._request: str | None = request.scope.get("request_id")

    def __call__(self, actor: Caller) -> Origin:
        """The origin of what `actor` asks for."""
        return Origin.of(actor.subject, self._key, self._request)


Asked = Annotated[RequestOrigin, Depends()]
