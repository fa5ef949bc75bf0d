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
    """`--rows` is not a number of rows."""

    def __init__(self, text: str) -> None:
        super().__init__(f"--rows is {text}: it must be a whole number, 0 or more, such as 250000 or 1e6")


@dataclass(frozen=True)
class Summary:
    """How much was written, and what that cost."""

    schema: str
    rows: int
    seed: int
    out: str
    bytes: int
    seconds: float
    rows_per_second: float
    peak_memory_bytes: int
    """Peak resident memory of this process."""

    def __str__(self) -> str:
        return (
            f"{self.rows:,} records of {self.schema} in {self.out}: {self.bytes / MEGABYTE:,.1f} MB in"
            f" {self.seconds:,.1f} s, {self.rows_per_second:,.0f} records/s,"
            f" peak memory {self.peak_memory_bytes / MEGABYTE:,.0f} MB"
        )


def parse_rows(text: str) -> int:
    """Return a number of rows, which may be written as 1e6; raises WrongRows."""
    try:
        number = Decimal(text)
    except InvalidOperation:
        raise WrongRows(text) from None
    if not number.is_finite() or number < 0 or number.adjusted() > MOST_DIGITS or number % 1:
        raise WrongRows(text)
    return int(number)


def write_records(data: DataSet, out: str) -> Summary:
    """Write a data set, with a progress bar on a terminal; return what that cost."""
    from cli.shared.progress import progress

    started = time.perf_counter()
    with _end_on_signals(), progress(f"{data.schema.name}: records") as report:
        size = _write(data, out, lambda rows: report(rows, data.rows))
    seconds = time.perf_counter() - started
    return Summary(
        data.schema.name, data.rows, data.seed, without_password(out), size, seconds, data.rows / seconds, peak_memory()
    )


def peak_memory() -> int:
    """Return the peak resident memory of this process in bytes.

    On Linux `getrusage` includes the peak of the parent, so the kernel's own figure is read there.
    """
    status = Path("/proc/self/status")
    marks = status.read_text().splitlines() if status.exists() else []
    kilobytes = next((int(line.split()[1]) for line in marks if line.startswith("VmHWM:")), None)
    if kilobytes is not None:
        return kilobytes * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * PEAK_UNIT


def _write(data: DataSet, out: str, report: Callable[[int], None]) -> int:
    if not is_table(out):
        from app.synthetic.sinks import write_file

        return write_file(data, Path(out), report)
    from app.synthetic.sinks.postgres import copy_into
    from cli.data.tables import connected

    with connected(out) as (connections, table):
        return copy_into(connections, table, data, report)


@contextmanager
def _end_on_signals() -> Iterator[None]:
    """End on SIGTERM and SIGHUP as on Ctrl-C, so that a half-written file is removed."""
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
    """Return whether data goes to a database."""
    return out.startswith(("postgresql://", "postgres://"))


def without_password(out: str) -> str:
    """Return where data goes, without a password."""
    if not is_table(out):
        return out
    from cli.data.tables import Target

    return str(Target.parse(out))


def print_records(data: DataSet) -> None:
    """Print a data set as JSON Lines; raises CannotWrite."""
    from app.synthetic.errors import CannotWrite
    from app.synthetic.sinks.formats import JsonLines

    try:
        for lines in data.encoded(JsonLines().encode):
            sys.stdout.write(lines.to_pybytes().decode())
        sys.stdout.flush()
    except BrokenPipeError:
        raise  # the reader has enough
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or the exit would try to write again
        raise CannotWrite(f"could not be written: {error.strerror or error}", place="standard output") from error
