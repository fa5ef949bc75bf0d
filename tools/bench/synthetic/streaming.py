"""Peak memory of streams: all processes of the command together."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from threading import Event, Thread
from urllib.parse import urlencode

from tools.bench import processes
from tools.bench.data_plane.server import ADMIN, Server, running_server
from tools.bench.measurement import Limit, Recorder, Unbounded

FORTRESS = Path(sys.executable).with_name("fortress")
RECORDS = 1_000_000
ALL_RECORDS = 10_000_000
MOST = Limit(500, "MB")
LOOK_SECONDS = 0.02
DATABASE = "streams"


def short(recorder: Recorder) -> None:
    """Streams of a million records: they need what ten million do."""
    _measure(recorder, RECORDS)


def whole(recorder: Recorder) -> None:
    """Streams of ten million records."""
    _measure(recorder, ALL_RECORDS)


def _measure(recorder: Recorder, records: int) -> None:
    with tempfile.TemporaryDirectory(prefix="lf-bench-") as folder:
        for suffix in ("csv", "parquet"):
            out = Path(folder) / f"customers.{suffix}"
            _stream(recorder, suffix.upper() if suffix == "csv" else suffix.title(), str(out), records)
            out.unlink()
    with running_server() as server:
        server.create_database(DATABASE)
        _stream(recorder, "COPY", _table(server), records)


def _stream(recorder: Recorder, kind: str, out: str, records: int) -> None:
    words = ["data", "generate", "--schema", "customers", "--rows", str(records), "--seed", "7", "--out", out, "--json"]
    with subprocess.Popen([str(FORTRESS), *words], stdout=subprocess.PIPE, text=True) as command:
        peaks: dict[int, float] = {}
        over = Event()
        watch = Thread(target=partial(_watch, command.pid, peaks, over))
        watch.start()
        printed, _ = command.communicate()
        over.set()
        watch.join()
    if command.returncode:
        raise RuntimeError(f"fortress data generate ended with {command.returncode}")
    summary = json.loads(printed)
    peaks[command.pid] = max(peaks.get(command.pid, 0.0), summary["peak_memory_bytes"] / 1e6)
    name = f"{records:,} records as {kind}"
    note = f"peaks of {len(peaks)} process{'es' * (len(peaks) > 1)}, one on the other; {summary['bytes'] / 1e6:,.0f} MB"
    recorder.take(f"{name}, resident at most", MOST, [sum(peaks.values())], note=note)
    recorder.take(name, Unbounded("records/s"), [summary["rows_per_second"]])


def _watch(root: int, peaks: dict[int, float], over: Event) -> None:
    """The most that each process of the command ever had resident, by the kernel's own mark, in MB."""
    while not over.wait(LOOK_SECONDS):
        for pid in processes.descendants(root):
            peaks[pid] = max(peaks.get(pid, 0.0), processes.peak_megabytes(pid))


def _table(server: Server) -> str:
    tls: Mapping[str, object] = {
        name: value for name, value in server.parameters(DATABASE).items() if name.startswith("ssl")
    }
    return f"postgresql://{ADMIN}@{server.address}:{server.port}/{DATABASE}/customers?{urlencode(tls)}"


ROWS = (short,)
ALL_ROWS = (whole,)
