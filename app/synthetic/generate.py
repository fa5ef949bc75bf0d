"""Makes data of a schema, chunk by chunk: in order, with as much memory for a thousand chunks as for ten.

Threads do the work. NumPy and Arrow let go of the interpreter while they compute, so threads fill the cores, and
nothing has to be carried from one process to another.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from itertools import chain
from typing import Any, TypeVar

import pyarrow as pa

from app.synthetic.chunks import ROWS, Chunk, of_subjects, split
from app.synthetic.errors import ImpossibleParameters, WrongCount
from app.synthetic.rows import as_dicts
from app.synthetic.schema import Schema

T = TypeVar("T")
MOST_EMPTY = 1000
"""So many chunks of subjects without one row after another, and there will never be enough rows."""
MOST_WORKERS = 8
"""Unless more are asked for: each holds a chunk or two in memory, and more would wait for whoever takes the chunks."""


@dataclass(frozen=True)
class DataSet:
    """So many records of a schema; raises WrongCount and ImpossibleParameters.

    The same seed and `chunk_rows` give the same records, whatever the number of workers. What goes wrong with a column
    later is raised where its records would have come.
    """

    schema: Schema
    rows: int
    seed: int
    workers: int | None = None
    """Threads; None is one for each core, up to 8."""
    chunk_rows: int = ROWS

    def __post_init__(self) -> None:
        for name, least in (("rows", 0), ("seed", 0), ("workers", 1), ("chunk_rows", 1)):
            count = getattr(self, name)
            if count is not None and (not isinstance(count, int) or count < least):
                raise WrongCount(name, count, least=least, place=self.schema.place())
        self.schema.check_rows(self.rows)

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Yield the records as Arrow batches in order, one for each chunk."""
        return self.encoded(lambda batch: batch)

    def encoded(self, encode: Callable[[pa.RecordBatch], T]) -> Iterator[T]:
        """Yield `batches`, each encoded by the worker that made it."""
        workers = self.workers or min(cores(), MOST_WORKERS)
        if self.rows and workers > 1:
            # What columns load when they are first used is loaded here, once, and not by every worker at the same time.
            self.schema.make(Chunk(0, 0, 1, self.seed))
        if self.schema.expanding is not None:
            return self._expanded(encode, self.schema.expanding.subjects(self.chunk_rows), workers)
        chunks = split(self.rows, seed=self.seed, chunk_rows=self.chunk_rows)
        return _in_order(lambda chunk: encode(self.schema.make(chunk)), chunks, workers=workers)

    def _expanded(self, encode: Callable[[pa.RecordBatch], T], subjects: int, workers: int) -> Iterator[T]:
        """Yield chunks of subjects until there are enough rows; cut the last chunk."""

        def work(chunk: Chunk) -> tuple[Chunk, int, T]:
            batch = self.schema.make(chunk)
            return chunk, batch.num_rows, encode(batch)

        left, empty = self.rows, 0
        made = _in_order(work, of_subjects(subjects, seed=self.seed) if left else (), workers=workers)
        with closing(made):
            for chunk, rows, piece in made:
                empty = 0 if rows else empty + 1
                if empty > MOST_EMPTY:
                    raise ImpossibleParameters("hardly a subject has a row", place=self.schema.place())
                if rows:
                    # Making it again costs one chunk; keeping every batch until it is counted would cost memory.
                    yield piece if rows <= left else encode(self.schema.make(chunk).slice(0, left))
                left -= rows
                if left <= 0:
                    return

    def dicts(self) -> Iterator[dict[str, Any]]:
        """Yield the records one by one, as Python values."""
        return chain.from_iterable(map(as_dicts, self.batches()))

    def table(self) -> pa.Table:
        """Make all records in memory."""
        return pa.Table.from_batches(self.batches(), schema=self.schema.arrow)


def cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _in_order(work: Callable[[Chunk], T], chunks: Iterable[Chunk], *, workers: int) -> Generator[T, None, None]:
    """Yield the results of `work` in order; each worker is at most one chunk ahead of the reader."""
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
