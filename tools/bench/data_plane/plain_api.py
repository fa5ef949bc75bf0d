"""The peer of the balance read: the same row over HTTP as FastAPI's and psycopg's manuals do it, and nothing else.

It checks no token, limits nothing, counts nothing, and has one database.
"""

from __future__ import annotations

import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import uvicorn
from fastapi import FastAPI, HTTPException
from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool
from pydantic import BaseModel

from app.garbage_collection import freeze_gc

READ = "select version, total from streams where stream = %s"


class Balance(BaseModel):
    """The answer."""

    account: str
    balance: int
    version: int


def create(parameters: dict[str, Any], *, size: int) -> FastAPI:
    """The application; libpq's parameters say where its database is."""
    settings = {"autocommit": True, "prepare_threshold": 0, **parameters}
    pool: AsyncConnectionPool[AsyncConnection[tuple[Any, ...]]] = AsyncConnectionPool(
        kwargs=settings, min_size=size, max_size=size, open=False
    )

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with pool:
            yield

    app = FastAPI(lifespan=lifespan)

    @app.get("/accounts/{account}")
    async def balance(account: str) -> Balance:
        async with pool.connection() as connection:
            row = await (await connection.execute(READ, [account])).fetchone()
        if row is None:
            raise HTTPException(404)
        return Balance(account=account, balance=row[1], version=row[0])

    return app


def main() -> None:
    """Serve by a JSON argument: host, port, libpq's parameters, size of the pool."""
    host, port, parameters, size = json.loads(sys.argv[1])
    freeze_gc()
    # As our own server sets uvicorn up, where that makes it faster.
    uvicorn.run(
        create(parameters, size=size), host=host, port=port, log_config=None, access_log=False, server_header=False
    )


if __name__ == "__main__":
    main()
