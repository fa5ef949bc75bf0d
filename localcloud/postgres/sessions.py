"""Sessions of the emulator itself on its servers, and the few statements that all three clouds need."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, LiteralString, TypeAlias

import psycopg
from psycopg import sql

from localcloud.identity import Authority
from localcloud.postgres.server_registry import OPERATOR, ServerRecord
from localcloud.sandbox import Sandbox

CONNECT_SECONDS = 5
ADMINISTRATES: LiteralString = "login createdb createrole replication"
"""What the first user of each service may do by role attribute."""

Session: TypeAlias = psycopg.Connection[tuple[Any, ...]]


def connect(sandbox: Sandbox, record: ServerRecord, database: str = "postgres") -> Session:
    """A session as superuser; every statement is its own transaction."""
    authority = Authority.of(sandbox)
    own = authority.client_certificate(OPERATOR)
    return psycopg.connect(
        host=record.address,
        port=record.port,
        dbname=database,
        user=OPERATOR,
        sslmode="verify-full",
        sslrootcert=str(authority.ca_certificate),
        sslcert=str(own.certificate),
        sslkey=str(own.key),
        connect_timeout=CONNECT_SECONDS,
        application_name="localcloud",
        autocommit=True,
    )


def ensure_role(session: Session, name: str, attributes: LiteralString = "nologin") -> None:
    """A role of that name with (at least) these attributes."""
    verb = "alter" if has_role(session, name) else "create"
    session.execute(sql.SQL("{} role {} " + attributes).format(sql.SQL(verb), sql.Identifier(name)))


def has_role(session: Session, name: str) -> bool:
    return session.execute("select from pg_roles where rolname = %s", [name]).fetchone() is not None


def grant_roles(session: Session, roles: Sequence[str], member: str, option: LiteralString = "") -> None:
    """Make `member` a member of those of the roles that this version of PostgreSQL has."""
    for role in roles:
        if has_role(session, role):
            session.execute(sql.SQL("grant {} to {} " + option).format(sql.Identifier(role), sql.Identifier(member)))


def drop_role(session: Session, name: str) -> None:
    """Raises psycopg.errors.DependentObjectsStillExist while it owns or may use something."""
    session.execute(sql.SQL("drop role if exists {}").format(sql.Identifier(name)))


def has_database(session: Session, name: str) -> bool:
    return session.execute("select from pg_database where datname = %s", [name]).fetchone() is not None


def ensure_database(session: Session, name: str, owner: str) -> None:
    """A database of that name; an existing one is left as it is."""
    if not has_database(session, name):
        session.execute(sql.SQL("create database {} owner {}").format(sql.Identifier(name), sql.Identifier(owner)))


def drop_database(session: Session, name: str) -> None:
    """Drop it with all sessions on it."""
    session.execute(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(name)))
