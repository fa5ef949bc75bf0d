"""Answers to requests that were sent before."""

from __future__ import annotations

from fastapi import Response

from app.credits import Posted


def replayed(response: Response, posted: Posted) -> None:
    """Tell the client where an earlier request with the same key did what this one asked for."""
    if posted.repeated:
        response.headers["Idempotency-Replayed"] = "true"
