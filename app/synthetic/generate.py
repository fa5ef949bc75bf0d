"""Makes data of a schema, chunk by chunk: in order, with as much memory for a thousand chunks as for ten.

Threads do the work. NumPy and Arrow let go of the interpreter while they compute, so threads fill the cores, and
nothing has to be carried from one process to another.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

import pyarrow as pa

from app.synthetic.chunks import ROWS, Chunk, split
from app.synthetic.errors import WrongCount
from app.synthetic.rows import as_dicts
from app.synthetic.schema import Schema

T = TypeVar("T")


def batches(
    schema: Schema, rows: int, *, seed: int, workers: int | None = None, chunk_rows: int = ROWS
) -> Iterator[pa.RecordBatch]:
    """So many records as Arrow batches, in order.

    The same seed and `chunk_rows` give the same records, whatever the number of workers (default: one a core).
    Raises WrongCount and ImpossibleParameters at once, and what a column raises as it is made.
    """
    return encoded(schema, rows, lambda batch: batch, seed=seed, workers=workers, chunk_rows=chunk_rows)


def encoded(
    schema: Schema,
    rows: int,
    encode: Callable[[pa.RecordBatch], T],
    *,
    seed: int,
    workers: int | None = None,
    chunk_rows: int = ROWS,
) -> Iterator[T]:
    """As `batches`, each of them turned into something else by the worker that made it."""
    workers = cores() if workers is None else workers
    for name, count, least in (
        ("rows", rows, 0),
        ("seed", seed, 0),
        ("workers", workers, 1),
        ("chunk_rows", chunk_rows, 1),
    ):
        if not isinstance(count, int) or count < least:
            raise WrongCount(name, count, least=least, place=schema.place())
    schema.check_rows(rows)
    return _in_order(
        lambda chunk: encode(schema.make(chunk)), split(rows, seed=seed, chunk_rows=chunk_rows), workers=workers
    )


def dicts(
    schema: Schema, rows: int, *, seed: int, workers: int | None = None, chunk_rows: int = ROWS
) -> Iterator[dict[str, Any]]:
    """The records that `batches` makes, one by one as dicts of Python's own types."""
    for batch in batches(schema, rows, seed=seed, workers=workers, chunk_rows=chunk_rows):
        yield from as_dicts(batch)


def table(schema: Schema, rows: int, *, seed: int, workers: int | None = None, chunk_rows: int = ROWS) -> pa.Table:
    """The records that `batches` makes, all in memory."""
    made = batches(schema, rows, seed=seed, workers=workers, chunk_rows=chunk_rows)
    return pa.Table.from_batches(made, schema=schema.arrow)


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _in_order(work: Callable[[Chunk], T], chunks: Iterable[Chunk], *, workers: int) -> Iterator[T]:
    """What `work` makes of the chunks, in their order; at most one chunk a worker is made ahead of whoever reads."""
    if workers == 1:
        yield from map(work, chunks)
        return
    with ThreadPoolExecutor(workers, thread_name_prefix="synthetic") as pool:
        ahead: deque[Future[T]] = deque()
        try:
            for chunk in chunks:
                ahead.append(pool.submit(work, chunk))
                if len(ahead) > workers:
                    yield ahead.popleft().result()
            while ahead:
                yield ahead.popleft().result()
        finally:
            for future in ahead:
                future.cancel()
