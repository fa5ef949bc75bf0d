"""Parameters, fields and answers that several operations share."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import Depends, Header, Path, Query, Request, Response
from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field

from app.credits import ACCOUNT_PATTERN, LARGEST_AMOUNT, LARGEST_PAGE, LONGEST_REASON, PAGE, Origin, Posted
from app.tokens import Caller

AccountPath = Annotated[str, Path(pattern=ACCOUNT_PATTERN, description="Name of the account.", examples=["alice"])]
AccountName = Annotated[str, Field(pattern=ACCOUNT_PATTERN, examples=["alice"])]
ReservationPath = Annotated[str, Path(pattern=r"^[0-9a-f]{32}$", description="As returned when it was created.")]


def _whole(value: object) -> object:
    """Accept 100.0 as 100: JSON has one kind of number. Floats above 2^53 may have lost digits and stay floats."""
    exact = isinstance(value, float) and value.is_integer() and abs(value) < 2**53
    return int(value) if exact else value  # type: ignore[call-overload]


Amount = Annotated[
    int,
    Field(ge=1, le=LARGEST_AMOUNT, description="Whole credits.", examples=[100]),
    BeforeValidator(_whole),
]
Reason = Annotated[str, Field(min_length=1, max_length=LONGEST_REASON, pattern=r"^[^\x00]*$")]


def _iso(value: object) -> object:
    """Accept ISO 8601 only; pydantic would accept numbers, too."""
    return datetime.fromisoformat(value) if isinstance(value, str) else value


Expiry = Annotated[
    AwareDatetime,
    BeforeValidator(_iso),
    Field(description="A moment in the future, with its time zone.", examples=["2036-01-31T00:00:00Z"]),
]


class Paging(BaseModel):
    """The page of a list. Unknown parameters are refused, so that a misspelt one is noticed."""

    model_config = ConfigDict(extra="forbid")

    cursor: str | None = Field(
        default=None, max_length=100, description="`next` of the previous page; none for the first."
    )
    limit: int = Field(default=PAGE, ge=1, le=LARGEST_PAGE, description="Most entries on the page.")


Pages = Annotated[Paging, Query()]


class Body(BaseModel):
    """A request body: exact types, and no unknown fields."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Change(BaseModel):
    """A change that is durably stored in the account's home cloud."""

    account: str
    balance: int = Field(description="Available credits after the change.")
    version: int = Field(description="Number of its event in the account's stream.")
    slot: int
    shard: str
    home: str


def mark_replayed(response: Response, posted: Posted) -> None:
    """Set `Idempotency-Replayed` if an earlier request with the same key made the change."""
    if posted.repeated:
        response.headers["Idempotency-Replayed"] = "true"


def change_fields(account: str, posted: Posted) -> dict[str, str | int]:
    """Return the fields of a Change."""
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
    """Builds the origin of a change once its caller is known."""

    def __init__(
        self,
        request: Request,
        idempotency_key: Annotated[
            str | None,
            Header(
                alias="Idempotency-Key",
                pattern=r"^[\x21-\x7e]{1,200}$",
                description="Makes the request safe to retry: only the first one with this key and content counts.",
            ),
        ] = None,
    ) -> None:
        self._key = idempotency_key
        self._request: str | None = request.scope.get("request_id")

    def __call__(self, actor: Caller) -> Origin:
        """Return the origin of a change by `actor`."""
        return Origin.of(actor.subject, self._key, self._request)


Asked = Annotated[RequestOrigin, Depends()]
