"""What operators and the cluster ask."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel

from app.api.problems import documented, problem
from app.api.readiness import READY
from app.api.services import Services, services_of

router = APIRouter(tags=["operations"])

Injected = Annotated[Services, Depends(services_of)]


class Health(BaseModel):
    """The process runs."""

    status: str = "ok"


class Ready(BaseModel):
    """Each home shard, and that it is ready."""

    shards: dict[str, str]


@router.get("/healthz")
async def healthz() -> Health:
    """Whether the process runs; asks nobody."""
    return Health()


@router.get("/readyz", response_model=Ready, responses=documented(503))
async def readyz(services: Injected) -> Ready | Response:
    """Whether this process should get requests: asks the database of every shard that is at home here."""
    if services.readiness.draining:
        return problem(503, "the process is stopping", kind="draining")
    shards = await services.readiness.by_shard()
    if any(state != READY for state in shards.values()):
        return problem(503, "not every home shard answers", kind="database-unavailable", shards=shards)
    return Ready(shards=shards)


@router.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
async def metrics(services: Injected) -> Response:
    """Metrics in Prometheus' text format."""
    return Response(services.metrics.exposition(), media_type=services.metrics.media_type)
