"""The SQL statements of the event store."""

from app.statements import statements_of

statement = statements_of("app.events")
