"""The SQL of the camouflage API, by name."""

from app.statements import statements_of

statement = statements_of("app.camouflage")
