"""The world's pg_service.conf: each server under a short name, for `psql service=<name>`. No secret is in it."""

from __future__ import annotations

from localcloud.home import Home, write_atomically
from localcloud.identity import Authority
from localcloud.postgres import records
from localcloud.postgres.records import Record

FILE = "pg_service.conf"


def rewrite(home: Home) -> None:
    """Write the file anew from the servers that there are."""
    with home.lock("services"):
        sections = [_section(home, name, record) for name, record in by_name(home).items()]
        write_atomically(home.root / FILE, "\n".join(sections))


def by_name(home: Home) -> dict[str, Record]:
    """The servers of the world that have come up once, by service name."""
    return named([record for record in records.every(home) if record.complete])


def named(servers: list[Record]) -> dict[str, Record]:
    """The servers by service name: the short one, or where another has that already, the whole identifier."""
    names: dict[str, Record] = {}
    for record in servers:
        candidates = (record.service, record.identifier, record.key)
        names[next(name for name in candidates if name not in names)] = record
    return names


def _section(home: Home, name: str, record: Record) -> str:
    primary = (records.load(home, record.source) if record.source else None) or record
    authority = Authority.of(home)
    own = authority.client_certificate(certificate_name(primary))
    return f"""[{name}]
host={record.address}
port={record.port}
dbname={primary.database}
user={primary.operator}
sslmode=verify-full
sslrootcert={authority.ca_certificate}
sslcert={own.certificate}
sslkey={own.key}
"""


def certificate_name(record: Record) -> str:
    """Whose certificate logs in as the server's operator."""
    suffix = f"@{record.iam_domain}"
    return record.operator.removesuffix(suffix) if record.iam_domain else record.operator
