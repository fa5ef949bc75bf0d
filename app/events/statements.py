"""The SQL statements of the event store."""

from app.database.statements import statements_of

statement = statements_of("app.events")
