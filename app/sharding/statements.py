"""The SQL statements of the slot map and of routed reads."""

from app.statements import statements_of

statement = statements_of("app.sharding")
