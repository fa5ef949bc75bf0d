"""The SQL of canary detections, by name."""

from app.statements import statements_of

statement = statements_of("app.canaries")
