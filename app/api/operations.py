"""Operations for operators and the cluster: health, readiness, metrics."""

from __future__ import annotations

from fastapi import APIRouter, Response
from pydantic import BaseModel

from app.api.problems import documented, problem
from app.api.readiness import READY
from app.api.services import Injected

router = APIRouter(tags=["operations"])


class Health(BaseModel):
    """The process is running."""

    status: str = "ok"


class Ready(BaseModel):
    """The home shards, all ready."""

    shards: dict[str, str]


@router.get("/healthz")
async def healthz() -> Health:
    """Return that the process is running, without asking a database."""
    return Health()


@router.get("/readyz", response_model=Ready, responses=documented(503))
async def readyz(services: Injected) -> Ready | Response:
    """Return whether this process should get requests: all its home shards answer."""
    if services.readiness.draining:
        return problem(503, "the process is stopping", kind="draining")
    shards = await services.readiness.by_shard()
    if any(state != READY for state in shards.values()):
        return problem(503, "not every home shard answers", kind="database-unavailable", shards=shards)
    return Ready(shards=shards)


@router.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
async def metrics(services: Injected) -> Response:
    """Return the metrics in Prometheus' text format."""
    return Response(services.metrics.exposition(), media_type=services.metrics.media_type)
