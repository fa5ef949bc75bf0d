"""The directory of shards: which slots each holds, in which home cloud, and how to log in to its database."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from app.sharding.slots import SLOTS, slot_of

Name = Annotated[str, Field(min_length=1, max_length=253)]
Cloud = Literal["aws", "azure", "gcp"]
SlotNumber = Annotated[int, Field(ge=0, lt=SLOTS)]


class WrongDirectory(Exception):
    """The directory cannot be read or contradicts itself; one line that says where and how."""


class _Entry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", strict=True)


class App(_Entry):
    """How the app logs in."""

    user: Name
    login: Literal["aws-iam", "azure-entra", "gcp-iam"]
    principal: str | None = None
    """Object id of the Entra principal behind the role; Azure only."""


class Admin(_Entry):
    """How migrations log in."""

    user: Name
    login: Literal["aws-secret", "azure-entra", "gcp-iam"]
    secret: str | None = None
    """ARN of the secret that the cloud keeps for the administrator; with `aws-secret` only."""


class Replica(_Entry):
    """A streaming standby that reads may go to; where it does not say otherwise, it is like its primary."""

    host: Name
    """The name in the server's certificate."""
    address: Name | None = None
    """Where to connect to, where the name of the host cannot be looked up everywhere."""
    authority: str | None = None
    """Certificates (PEM) that the server's certificate must go back to, where they are its own."""
    port: Annotated[int, Field(ge=1, le=65535)] | None = None
    home: Cloud | None = None
    region: Name | None = None


class Shard(_Entry):
    """One database and the slots whose events it holds."""

    name: Name
    home: Cloud
    region: Name
    host: Name
    """The name in the server's certificate."""
    address: Name | None = None
    """Where to connect to, where the name of the host cannot be looked up everywhere."""
    authority: str | None = None
    """Certificates (PEM) that the server's certificate must go back to, where they are its own."""
    port: Annotated[int, Field(ge=1, le=65535)] | None = None
    """None leaves the port to libpq: PGPORT, else 5432."""
    database: Name
    slots: list[list[SlotNumber]]
    """Ranges of slots, both ends included: what the shard holds in a new ledger. Later the slot map tells."""
    app: App
    admin: Admin
    replicas: list[Replica] = Field(default_factory=list)


@dataclass(frozen=True)
class Place:
    """Where a key lives."""

    slot: int
    shard: str
    home: str
    epoch: int = 1
    """Counts the moves of the slot."""


class Directory(_Entry):
    """All shards; every slot belongs to exactly one of them."""

    slots: int
    shards: Annotated[list[Shard], Field(min_length=1)]
    map: Name | None = None
    """Name of the shard whose database holds the slot map; None is the first one."""

    def place_of(self, key: str) -> Place:
        """Where a key lives in a new ledger; once slots have moved only the slot map tells."""
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
        """Name of the shard of every slot, in order of the slots, in a new ledger."""
        return [place.shard for place in self._places]

    def at_home(self, home: str) -> list[Shard]:
        """The shards whose home is the cloud `home`."""
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
    """The directory in a file; raises WrongDirectory."""
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
    """The directory in a JSON text; raises WrongDirectory where a field is wrong or a slot's shard is not clear."""
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
        raise WrongDirectory(f"slots: there are {SLOTS}, not {directory.slots}")
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
