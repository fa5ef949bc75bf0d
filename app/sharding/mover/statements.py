"""SQL statements of the slot move, each in a file named as what it does."""

from __future__ import annotations

from app.statements import statements_of

statement = statements_of("app.sharding.mover")
