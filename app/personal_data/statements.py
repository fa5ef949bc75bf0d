"""The SQL statements of personal data."""

from app.statements import statements_of

statement = statements_of("app.personal_data")
