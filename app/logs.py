"""Structured logs: JSON lines, or readable ones on a terminal. Logs of libraries get the same form."""

from __future__ import annotations

import logging
import logging.config
import sys
from typing import Any

import structlog

QUIET = {"psycopg.pool": "WARNING", "uvicorn.error": "WARNING", "yoyo": "WARNING"}
"""Libraries whose messages below this level do not help an operator."""


def configure(level: str, **always: str) -> None:
    """Log to stdout from `level` on; add the fields `always` to every line."""

    def add_constants(_: object, __: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
        event.update(always)
        return event

    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        add_constants,
        structlog.processors.format_exc_info,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        cache_logger_on_first_use=True,
    )
    logging.config.dictConfig(_handlers(level.upper(), shared))


def _handlers(level: str, shared: list[structlog.typing.Processor]) -> dict[str, Any]:
    renderer: structlog.typing.Processor = (
        structlog.dev.ConsoleRenderer() if sys.stdout.isatty() else structlog.processors.JSONRenderer()
    )
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "structured": {
                "()": structlog.stdlib.ProcessorFormatter,
                "processors": [structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
                "foreign_pre_chain": shared,
            }
        },
        "handlers": {"stdout": {"class": "logging.StreamHandler", "stream": sys.stdout, "formatter": "structured"}},
        "root": {"level": level, "handlers": ["stdout"]},
        "loggers": {name: {"level": quiet} for name, quiet in QUIET.items()},
    }
