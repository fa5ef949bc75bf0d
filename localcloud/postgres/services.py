"""The sandbox's pg_service.conf: each server under a short name, for `psql service=<name>`. No secret is in it."""

from __future__ import annotations

from localcloud.identity import Authority
from localcloud.postgres import server_registry
from localcloud.postgres.server_registry import ServerRecord
from localcloud.sandbox import Sandbox, write_atomically

FILE = "pg_service.conf"


def rewrite(sandbox: Sandbox) -> None:
    """Write the file anew from the servers that there are."""
    with sandbox.lock("services"):
        sections = [_section(sandbox, name, record) for name, record in by_name(sandbox).items()]
        write_atomically(sandbox.root / FILE, "\n".join(sections))


def by_name(sandbox: Sandbox) -> dict[str, ServerRecord]:
    """The servers of the sandbox that have come up once, by service name."""
    return named([record for record in server_registry.every(sandbox) if record.complete])


def named(servers: list[ServerRecord]) -> dict[str, ServerRecord]:
    """The servers by service name: the short one, or where another has that already, the whole identifier."""
    names: dict[str, ServerRecord] = {}
    for record in servers:
        candidates = (record.service, record.identifier, record.key)
        names[next(name for name in candidates if name not in names)] = record
    return names


def _section(sandbox: Sandbox, name: str, record: ServerRecord) -> str:
    primary = (server_registry.load(sandbox, record.source) if record.source else None) or record
    authority = Authority.of(sandbox)
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


def certificate_name(record: ServerRecord) -> str:
    """Whose certificate logs in as the server's operator."""
    suffix = f"@{record.iam_domain}"
    return record.operator.removesuffix(suffix) if record.iam_domain else record.operator
