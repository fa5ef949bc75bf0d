"""Ten million records go through less memory than they fill."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.app.conftest import Postgres, make_database

pytestmark = pytest.mark.full

FORTRESS = Path(sys.executable).with_name("fortress")
ROWS = 10_000_000
MOST_BYTES = 500e6
"""Resident in the one process that there is."""


def streamed(out: str) -> dict[str, Any]:
    command = [
        FORTRESS,
        "data",
        "generate",
        "--schema",
        "customers",
        "--rows",
        str(ROWS),
        "--out",
        out,
        "--seed",
        "7",
        "--json",
    ]
    return json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)  # type: ignore[no-any-return]


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_files_are_streamed(suffix: str, tmp_path: Path) -> None:
    out = tmp_path / f"customers{suffix}"
    told = streamed(str(out))
    assert told["peak_memory_bytes"] < MOST_BYTES
    assert out.stat().st_size == told["bytes"] > 1e9
    out.unlink()


@pytest.fixture
def database(answering: Postgres) -> Iterator[str]:
    name = make_database(answering, "synthetic")
    yield name
    with answering.as_operator("postgres") as connection:
        connection.execute(f"drop database {name} with (force)")


@pytest.mark.servers
def test_tables_are_streamed(answering: Postgres, database: str) -> None:
    pair = answering.authority.client_certificate("postgres")
    options = f"sslmode=verify-full&sslrootcert={answering.authority.ca_certificate}"
    options += f"&sslcert={pair.certificate}&sslkey={pair.key}"
    told = streamed(f"postgresql://postgres@{answering.address}:{answering.port}/{database}/customers?{options}")
    assert told["peak_memory_bytes"] < MOST_BYTES
    with answering.as_operator(database) as connection:
        assert connection.execute("select count(*) from customers").fetchone() == (ROWS,)
