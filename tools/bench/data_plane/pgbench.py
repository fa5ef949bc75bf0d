"""PostgreSQL's own benchmark client: many connections, each committing one insert after the other."""

from __future__ import annotations

import os
import re
import subprocess

from tools.bench.data_plane.databases import PEERS, BenchDatabases
from tools.bench.data_plane.raw import SQL
from tools.bench.data_plane.server import ADMIN, tool
from tools.bench.slices import lengthen

CLIENTS = 64
THREADS = 2


def commits_per_second(bench: BenchDatabases, script: str, seconds: float, *, encrypted: bool = True) -> float:
    """Return the rate of `sql/pgbench_<script>.sql` by 64 clients with prepared statements, time to connect left out.

    On a busy machine a short slice can end before the first of 64 TLS connections has committed: it is lengthened.
    """
    server = bench.server
    tls = server.environment(ADMIN) if encrypted else {"PGSSLMODE": "disable"}

    def rate(slice_seconds: float) -> float:
        command = [
            *(tool("pgbench"), "--no-vacuum", "--protocol=prepared", f"--client={CLIENTS}", f"--jobs={THREADS}"),
            *(f"--time={max(1, round(slice_seconds))}", f"--file={SQL / f'pgbench_{script}.sql'}"),
            *("-h", server.address, "-p", str(server.port), "-U", ADMIN, PEERS),
        ]
        printed = subprocess.run(command, check=True, capture_output=True, text=True, env=os.environ | tls).stdout
        found = re.search(r"^tps = ([\d.]+)", printed, re.MULTILINE)
        return float(found[1]) if found else 0.0

    return lengthen(rate, seconds)
