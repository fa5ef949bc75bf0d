"""PostgreSQL's own benchmark client: many connections, each committing one insert after the other."""

from __future__ import annotations

import os
import re
import subprocess

from tools.bench.data_plane.raw import SQL
from tools.bench.data_plane.server import ADMIN, tool
from tools.bench.data_plane.world import PEERS, World

CLIENTS = 64
THREADS = 2


def commits_per_second(world: World, script: str, seconds: float, *, encrypted: bool = True) -> float:
    """Rate of `sql/pgbench_<script>.sql` by 64 clients with prepared statements, without the time to connect."""
    server = world.server
    tls = server.environment(ADMIN) if encrypted else {"PGSSLMODE": "disable"}
    command = [
        *(tool("pgbench"), "--no-vacuum", "--protocol=prepared", f"--client={CLIENTS}", f"--jobs={THREADS}"),
        *(f"--time={max(1, round(seconds))}", f"--file={SQL / f'pgbench_{script}.sql'}"),
        *("-h", server.address, "-p", str(server.port), "-U", ADMIN, PEERS),
    ]
    said = subprocess.run(command, check=True, capture_output=True, text=True, env=os.environ | tls).stdout
    found = re.search(r"^tps = ([\d.]+)", said, re.MULTILINE)
    if found is None:
        raise RuntimeError(f"pgbench gave no rate: {said[-200:]}")
    return float(found[1])
