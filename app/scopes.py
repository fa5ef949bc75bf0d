"""The scopes of bearer tokens; each operation of the API requires one."""

from __future__ import annotations

from enum import StrEnum


class Scope(StrEnum):
    """The scopes of the credits ledger, as they are written in tokens."""

    GRANT = "credits:grant"
    SPEND = "credits:spend"
    READ = "credits:read"
    ADMINISTER = "credits:administer"
