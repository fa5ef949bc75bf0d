"""The SQL statements of the ledger."""

from app.database.statements import statements_of

statement = statements_of("app.credits")
