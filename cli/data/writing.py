"""Writing synthetic records to a file, a table or standard output, and what that cost."""

from __future__ import annotations

import os
import resource
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app.synthetic import DataSet

PEAK_UNIT = 1 if sys.platform == "darwin" else 1024
MEGABYTE = 1e6
MOST_DIGITS = 15


class WrongRows(ValueError):
    """What was given as a number of rows is none."""

    def __init__(self, text: str) -> None:
        super().__init__(f"--rows is {text}: it must be a whole number, 0 or more, such as 250000 or 1e6")


@dataclass(frozen=True)
class Summary:
    """What was made, and what it cost."""

    schema: str
    rows: int
    seed: int
    out: str
    bytes: int
    seconds: float
    rows_per_second: float
    peak_memory_bytes: int
    """The most that this process had resident."""

    def __str__(self) -> str:
        return (
            f"{self.rows:,} records of {self.schema} in {self.out}: {self.bytes / MEGABYTE:,.1f} MB in"
            f" {self.seconds:,.1f} s, {self.rows_per_second:,.0f} records/s,"
            f" peak memory {self.peak_memory_bytes / MEGABYTE:,.0f} MB"
        )


def rows_of(text: str) -> int:
    """A number of rows, also as 1e6; raises WrongRows."""
    try:
        number = Decimal(text)
    except InvalidOperation:
        raise WrongRows(text) from None
    if not number.is_finite() or number < 0 or number.adjusted() > MOST_DIGITS or number % 1:
        raise WrongRows(text)
    return int(number)


def measured(data: DataSet, out: str) -> Summary:
    """Write a data set, with a bar on a terminal, and what that cost."""
    from cli.shared.progress import progress

    started = time.perf_counter()
    with _ended_by_signals(), progress(f"{data.schema.name}: records") as report:
        size = _written(data, out, lambda rows: report(rows, data.rows))
    seconds = time.perf_counter() - started
    return Summary(
        data.schema.name, data.rows, data.seed, shown(out), size, seconds, data.rows / seconds, peak_memory()
    )


def peak_memory() -> int:
    """The most bytes that this process ever had resident.

    Linux counts what its parent had into what `getrusage` tells, so there the kernel's own mark is read.
    """
    status = Path("/proc/self/status")
    marks = status.read_text().splitlines() if status.exists() else []
    kilobytes = next((int(line.split()[1]) for line in marks if line.startswith("VmHWM:")), None)
    if kilobytes is not None:
        return kilobytes * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * PEAK_UNIT


def _written(data: DataSet, out: str, report: Callable[[int], None]) -> int:
    if not is_table(out):
        from app.synthetic.sinks import write_file

        return write_file(data, Path(out), report)
    from app.synthetic.sinks.postgres import copy_into
    from cli.data.tables import connected

    with connected(out) as (connections, table):
        return copy_into(connections, table, data, report)


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    """Who is told to end, or whose terminal closes, ends as on Ctrl-C: what is half written goes."""
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}
    ours = [number for number, handler in before.items() if handler is not signal.SIG_IGN]
    for number in ours:
        signal.signal(number, lambda number, _: sys.exit(128 + number))
    try:
        yield
    finally:
        for number in ours:
            signal.signal(number, before[number])


def is_table(out: str) -> bool:
    """Whether data goes to a database."""
    return out.startswith(("postgresql://", "postgres://"))


def shown(out: str) -> str:
    """Where data went, without a password."""
    if not is_table(out):
        return out
    from cli.data.tables import Target

    return str(Target.parse(out))


def print_records(data: DataSet) -> None:
    from app.synthetic.errors import CannotWrite
    from app.synthetic.sinks.formats import JsonLines

    try:
        for lines in data.encoded(JsonLines().encode):
            sys.stdout.write(lines.to_pybytes().decode())
        sys.stdout.flush()
    except BrokenPipeError:
        raise  # who reads has enough
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or leaving would try once more
        raise CannotWrite(f"could not be written: {error.strerror or error}", place="standard output") from error
