"""The SQL statements of projections."""

from app.statements import statements_of

statement = statements_of("app.projections")
