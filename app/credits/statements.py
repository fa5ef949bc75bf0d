"""The SQL statements of the ledger."""

from app.statements import statements_of

statement = statements_of("app.credits")
