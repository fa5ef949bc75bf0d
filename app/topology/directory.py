"""The directory of shards: the home cloud of each, how to log in to its database, and its first slots."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from app.topology.slots import SLOTS, slot_of

Name = Annotated[str, Field(min_length=1, max_length=253)]
Cloud = Literal["aws", "azure", "gcp"]
"""A cloud that shards and processes of the app run in."""
SlotNumber = Annotated[int, Field(ge=0, lt=SLOTS)]


class WrongDirectory(Exception):
    """The directory cannot be read or contradicts itself. The message is one line: where, and what is wrong."""


class _Entry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", strict=True)


class AppLogin(_Entry):
    """The app's login to a shard."""

    user: Name
    login: Literal["aws-iam", "azure-entra", "gcp-iam"]
    principal: str | None = None
    """Object id of the Entra principal that the role stands for; Azure only."""


class AdminLogin(_Entry):
    """The login of migrations to a shard."""

    user: Name
    login: Literal["aws-secret", "azure-entra", "gcp-iam"]
    secret: str | None = None
    """ARN of the administrator's secret, which RDS rotates; for `aws-secret` only."""


class Replica(_Entry):
    """A streaming standby that serves reads. Fields left out are as on its primary."""

    host: Name
    """The name in the server's certificate."""
    address: Name | None = None
    """IP address to connect to; needed where DNS does not know the host name."""
    authority: str | None = None
    """Certificate authorities (PEM) of the server; None for those of its cloud."""
    port: Annotated[int, Field(ge=1, le=65535)] | None = None
    home: Cloud | None = None
    region: Name | None = None


class Shard(_Entry):
    """One database, and the slots that it holds in a new ledger."""

    name: Name
    home: Cloud
    region: Name
    host: Name
    """The name in the server's certificate."""
    address: Name | None = None
    """IP address to connect to; needed where DNS does not know the host name."""
    authority: str | None = None
    """Certificate authorities (PEM) of the server; None for those of its cloud."""
    port: Annotated[int, Field(ge=1, le=65535)] | None = None
    """None leaves the port to libpq: PGPORT, or 5432."""
    database: Name
    slots: list[list[SlotNumber]]
    """Ranges `[first, last]` that the shard holds in a new ledger. Once slots move, only the slot map counts."""
    app: AppLogin
    admin: AdminLogin
    replicas: list[Replica] = Field(default_factory=list)


@dataclass(frozen=True)
class Place:
    """The slot of a key, and the shard that holds it."""

    slot: int
    shard: str
    home: str
    epoch: int = 1
    """Goes up by one with each move of the slot."""


class Directory(_Entry):
    """All shards of a ledger. Every slot belongs to exactly one of them."""

    slots: int
    shards: Annotated[list[Shard], Field(min_length=1)]
    map: Name | None = None
    """Name of the shard whose database holds the slot map; None for the first shard."""

    def place_of(self, key: str) -> Place:
        """Return the place of a key in a new ledger. Once slots move, only the slot map counts."""
        return self._places[slot_of(key)]

    @cached_property
    def map_shard(self) -> Shard:
        """The shard whose database holds the slot map."""
        return next(shard for shard in self.shards if self.map in (None, shard.name))

    @cached_property
    def by_name(self) -> dict[str, Shard]:
        """The shards by name."""
        return {shard.name: shard for shard in self.shards}

    @cached_property
    def owners(self) -> list[str]:
        """The shard name of each slot in a new ledger, in slot order."""
        return [place.shard for place in self._places]

    def at_home(self, home: str) -> list[Shard]:
        """Return the shards whose home cloud is `home`."""
        return [shard for shard in self.shards if shard.home == home]

    @cached_property
    def _places(self) -> list[Place]:
        places: dict[int, Place] = {}
        for shard in self.shards:
            for first, last in shard.slots:
                for slot in range(first, last + 1):
                    places[slot] = Place(slot, shard.name, shard.home)
        return [places[slot] for slot in range(SLOTS)]


def read_directory(path: Path) -> Directory:
    """Read the directory from a JSON file; raise WrongDirectory."""
    try:
        text = path.read_text()
    except OSError as error:
        raise WrongDirectory(f"the directory {path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise WrongDirectory(f"the directory {path} cannot be read: {error.reason} at byte {error.start}") from None
    try:
        return parse_directory(text)
    except WrongDirectory as error:
        raise WrongDirectory(f"the directory {path} is wrong: {error}") from None


def parse_directory(text: str) -> Directory:
    """Parse a directory in JSON; raise WrongDirectory for an invalid field or a slot without exactly one shard."""
    try:
        directory = Directory.model_validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise WrongDirectory(f"{where or 'the document'}: {first['msg']}") from None
    _check_slots(directory)
    return directory


def _check_slots(directory: Directory) -> None:
    if directory.slots != SLOTS:
        raise WrongDirectory(f"slots: must be {SLOTS}, not {directory.slots}")
    if repeated := _first_repeated(shard.name for shard in directory.shards):
        raise WrongDirectory(f"two shards are named {repeated}")
    if directory.map not in (None, *(shard.name for shard in directory.shards)):
        raise WrongDirectory(f"map: there is no shard {directory.map} to hold the slot map")
    owners: list[str | None] = [None] * SLOTS
    for shard in directory.shards:
        for slot in _slots_of(shard):
            if owners[slot] is not None:
                raise WrongDirectory(f"slot {slot} belongs to {owners[slot]} and to {shard.name}")
            owners[slot] = shard.name
    if None in owners:
        raise WrongDirectory(f"slot {owners.index(None)} belongs to no shard")


def _slots_of(shard: Shard) -> Iterable[int]:
    for bounds in shard.slots:
        if len(bounds) != 2 or bounds[0] > bounds[1]:
            raise WrongDirectory(f"shard {shard.name}: {bounds} is no range of slots [first, last]")
        yield from range(bounds[0], bounds[1] + 1)


def _first_repeated(names: Iterable[str]) -> str | None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            return name
        seen.add(name)
    return None
