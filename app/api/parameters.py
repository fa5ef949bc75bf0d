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
Amount = Annotated[int, Field(ge=1, le=LARGEST_AMOUNT, description="Whole credits.", examples=[100])]
Reason = Annotated[str, Field(min_length=1, max_length=LONGEST_REASON, pattern=r"^[^\x00]*$")]


def _iso(value: object) -> object:
    """Nothing but ISO 8601: pydantic would take numbers, too."""
    return datetime.fromisoformat(value) if isinstance(value, str) else value


Expiry = Annotated[
    AwareDatetime,
    BeforeValidator(_iso),
    Field(description="A moment in the future, with its time zone.", examples=["2036-01-31T00:00:00Z"]),
]
Cursor = Annotated[str | None, Query(max_length=100, description="`next` of the page before; none begins anew.")]
Limit = Annotated[int, Query(ge=1, le=LARGEST_PAGE, description="Most entries on the page.")]
DEFAULT_LIMIT = PAGE


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
