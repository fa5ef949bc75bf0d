"""A real streaming standby of the test server."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from localcloud.account import give, owner_of
from tests.waiting import wait_until

from .conftest import Postgres, binaries

REPLICATION = "hostssl replication postgres all cert map=certificates\n"


@contextmanager
def standby_of(primary: Postgres, name: str) -> Iterator[Postgres]:
    """A standby that streams, until the end of the block."""
    folder = primary.sandbox.folder(name)
    give(folder, primary.account)
    standby = replace(
        primary,
        address=primary.sandbox.claim_address(name, primary.port),
        data=folder / "data",
        process=None,
        ready=False,
    )
    try:
        _copy(primary, standby)
        standby.start()
        wait_until(lambda: streams(standby), f"{name} to stream")
        yield standby
    finally:
        standby.stop()
        shutil.rmtree(folder)
        primary.sandbox.release_address(name)


def streams(standby: Postgres) -> bool:
    with standby.as_operator("postgres") as connection:
        return bool(connection.execute("select from pg_stat_wal_receiver where status = 'streaming'").fetchall())


def replay(standby: Postgres, *, on: bool) -> None:
    with standby.as_operator("postgres") as connection:
        connection.execute("select pg_wal_replay_resume()" if on else "select pg_wal_replay_pause()")
        if not on:
            wait_until(
                lambda: connection.execute("select pg_get_wal_replay_pause_state()").fetchone() == ("paused",),
                "the replay to pause",
            )


def _copy(primary: Postgres, standby: Postgres) -> None:
    hba = primary.data / "pg_hba.conf"
    if REPLICATION not in hba.read_text():
        hba.write_text(hba.read_text() + REPLICATION)
        with primary.as_operator("postgres") as connection:
            connection.execute("select pg_reload_conf()")
    uid, gid = owner_of(primary.account)
    ours = {} if primary.account is None else {"user": uid, "group": gid, "extra_groups": []}
    source = _conninfo(primary, standby.data.parent)
    subprocess.run(
        [binaries() / "pg_basebackup", "-D", standby.data, "-d", source, "-X", "stream", "-c", "fast", "--no-sync"],
        check=True,
        cwd=standby.data.parent,
        **ours,
    )
    (standby.data / "standby.signal").touch()
    give(standby.data / "standby.signal", standby.account)
    pair = standby.authority.server_certificate(standby.data.parent, [standby.address], standby.account)
    settings = {
        "listen_addresses": standby.address,
        "primary_conninfo": source,
        "ssl_cert_file": str(pair.certificate),
        "ssl_key_file": str(pair.key),
    }
    with (standby.data / "postgresql.conf").open("a") as file:
        file.writelines(f"{name} = '{value}'\n" for name, value in settings.items())


def _conninfo(primary: Postgres, folder: Path) -> str:
    """How the standby's own account reaches the primary."""
    pair = primary.authority.client_certificate("postgres")
    copies = [Path(shutil.copy(file, folder)) for file in (pair.certificate, pair.key)]
    for copy in copies:
        give(copy, primary.account)
    words = {
        "host": primary.address,
        "port": primary.port,
        "user": "postgres",
        "sslmode": "verify-full",
        "sslrootcert": primary.authority.ca_certificate,
        "sslcert": copies[0],
        "sslkey": copies[1],
    }
    return " ".join(f"{key}={value}" for key, value in words.items())
