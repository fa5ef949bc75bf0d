"""Databases that `fortress data` loads: any by its address, those of the local environment by name."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from urllib.parse import SplitResult, unquote, urlsplit

import psycopg

from app.synthetic.errors import CannotWrite
from app.synthetic.sinks.postgres import Connection
from localcloud.postgres import services
from localcloud.sandbox import Sandbox, default_root


class WrongTarget(ValueError):
    """An address names no table, or no database that there is."""


@dataclass(frozen=True)
class Target:
    """A table and where it is: in a database by its own address, or in one or all of the local environment."""

    address: SplitResult
    database: str
    """Empty in the local environment."""
    table: str

    @classmethod
    def parse(cls, out: str) -> Target:
        """Of `postgresql://host/database/table`, `postgresql://service/table`, `postgresql:///table`.

        Raises WrongTarget.
        """
        address = urlsplit(out)
        parts = [unquote(part) for part in address.path.removeprefix("/").split("/")]
        if not 1 <= len(parts) <= 2 or not all(parts):
            raise WrongTarget(
                f"{_without_password(address)} names no table: write postgresql://host/database/table, or"
                " postgresql:///table for the local environment"
            )
        return cls(address, parts[0] if len(parts) == 2 else "", parts[-1])

    def __str__(self) -> str:
        return _without_password(self.address)

    def conninfo(self) -> str:
        """The address for libpq, which wants no table in it."""
        return _written(self.address._replace(path=f"/{self.database}"))


@contextmanager
def connected(out: str) -> Iterator[tuple[list[Connection], str]]:
    """Connections to the databases of an address, and the table's name; raises WrongTarget and CannotWrite."""
    target = Target.parse(out)
    with ExitStack() as stack:
        if target.database:
            conninfos = [target.conninfo()]
        else:
            sandbox = Sandbox(default_root())
            os.environ["PGSERVICEFILE"] = str(sandbox.root / services.FILE)
            conninfos = [f"service={name}" for name in _local(sandbox, target.address.hostname)]
        yield [stack.enter_context(_connection(conninfo, target)) for conninfo in conninfos], target.table


def _connection(conninfo: str, target: Target) -> Connection:
    try:
        return psycopg.connect(conninfo, application_name="fortress data")
    except psycopg.Error as error:
        reason = " ".join(str(error).split())
        raise CannotWrite(f"could not be reached: {reason}", place=str(target)) from None


def _local(sandbox: Sandbox, service: str | None) -> list[str]:
    """The named server of the local environment, else all that are no replicas; raises WrongTarget."""
    known = services.by_name(sandbox) if sandbox.root.is_dir() else {}
    if not known:
        raise WrongTarget("the local environment has no databases: bring it up with `make up`")
    if service is None:
        return [name for name, record in known.items() if not record.source]
    if service not in known:
        raise WrongTarget(f"the local environment has no database {service}; it has {', '.join(sorted(known))}")
    return [service]


def _without_password(address: SplitResult) -> str:
    host = address.netloc.rpartition("@")
    user = host[0].partition(":")[0]
    return _written(address._replace(netloc=f"{user}{host[1]}{host[2]}", query=""))


def _written(address: SplitResult) -> str:
    """The address as text; `geturl` leaves out the slashes before a host that is not named."""
    query = f"?{address.query}" if address.query else ""
    return f"{address.scheme}://{address.netloc}{address.path}{query}"
