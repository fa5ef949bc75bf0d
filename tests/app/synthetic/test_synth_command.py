"""`fortress data generate`, as it is typed."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from app.synthetic import DataSet, schema_named
from app.synthetic.errors import CannotWrite, ImpossibleParameters, UnknownFormat, UnknownSchema, WrongCount
from cli.data.commands import NoSchema
from cli.data.tables import Target, WrongTarget
from cli.data.writing import WrongRows, parse_rows
from cli.main import app
from tests.app.conftest import Postgres, make_database
from tests.waiting import wait_until

pytestmark = pytest.mark.slow

FORTRESS = Path(sys.executable).with_name("fortress")
LARGEST_BLOCKS = 2_000_000
"""Of 512 bytes: a gigabyte."""


def fortress(*words: str) -> str:
    result = CliRunner().invoke(app, ["data", "generate", *words])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.stdout


def test_a_file_is_written_and_summed_up(tmp_path: Path) -> None:
    out = tmp_path / "customers.parquet"
    line = fortress("--schema", "customers", "--rows", "2e3", "--out", str(out), "--seed", "7")
    assert line.startswith(f"2,000 records of customers in {out}: ")
    assert all(word in line for word in (" MB in ", " s, ", " records/s, peak memory "))
    assert pq.read_table(out).to_pylist() == list(DataSet(schema_named("customers"), 2000, seed=7).dicts())


def test_the_summary_is_json_for_programs(tmp_path: Path) -> None:
    out = tmp_path / "customers.csv"
    told = json.loads(
        fortress("--schema", "customers", "--rows", "500", "--out", str(out), "--seed", "3", "--workers", "3", "--json")
    )
    assert {name: told[name] for name in ("schema", "rows", "seed", "out", "bytes")} == {
        "schema": "customers",
        "rows": 500,
        "seed": 3,
        "out": str(out),
        "bytes": out.stat().st_size,
    }
    assert told["rows_per_second"] == pytest.approx(500 / told["seconds"])
    assert 10e6 < told["peak_memory_bytes"] < 2e9


def test_peak_memory_is_its_own_and_not_that_of_whoever_started_it(tmp_path: Path) -> None:
    command = [str(FORTRESS), "data", "generate", "--schema", "customers", "--out", f"{tmp_path}/x.csv", "--json"]
    fat = f"import subprocess; filled = b'x' * 700_000_000; subprocess.run({command}, check=True)"
    told = json.loads(subprocess.run([sys.executable, "-c", fat], capture_output=True, text=True, check=True).stdout)
    assert told["peak_memory_bytes"] < 500e6


def test_any_number_of_workers_writes_the_same_file(tmp_path: Path) -> None:
    for workers in ("1", "4"):
        fortress("--schema", "customers", "--rows", "40000", "--out", f"{tmp_path}/{workers}.csv", "--workers", workers)
    assert (tmp_path / "1.csv").read_bytes() == (tmp_path / "4.csv").read_bytes()


def test_without_a_place_to_go_records_are_printed() -> None:
    printed = [
        json.loads(line) for line in fortress("--schema", "customers", "--rows", "3", "--seed", "7").splitlines()
    ]
    made = list(DataSet(schema_named("customers"), 3, seed=7).dicts())
    assert [row["id"] for row in printed] == [row["id"] for row in made]
    assert [list(row) for row in printed] == [list(row) for row in made]


def test_schemas_that_ship_are_listed() -> None:
    assert "customers" in fortress("--list").splitlines()
    assert "customers" in json.loads(fortress("--list", "--json"))


def test_a_schema_may_be_a_file_of_ones_own(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("name: mine\nfields: {n: sequence}")
    assert fortress("--schema", f"{tmp_path}/mine.yaml", "--rows", "2") == '{"n":1}\n{"n":2}\n'


def test_a_terminal_sees_how_far_it_is_and_a_pipe_does_not(tmp_path: Path) -> None:
    command = [
        str(FORTRESS),
        "data",
        "generate",
        "--schema",
        "customers",
        "--rows",
        "40000",
        "--out",
        f"{tmp_path}/x.csv",
    ]
    ours, theirs = pty.openpty()
    with subprocess.Popen(command, stderr=theirs, stdout=subprocess.PIPE, text=True) as process:
        os.close(theirs)
        shown = b"".join(_until_closed(ours))
        assert process.stdout is not None
        assert process.stdout.read().startswith("40,000 records of customers in ")
    os.close(ours)
    assert b"customers: records" in shown
    assert b"100%" in shown
    piped = subprocess.run(command, capture_output=True, text=True, check=True)
    assert piped.stderr == ""


def _until_closed(terminal: int) -> Iterator[bytes]:
    try:
        while data := os.read(terminal, 4096):
            yield data
    except OSError:
        return  # so a terminal ends whose other side is closed


@pytest.mark.parametrize(
    ("text", "rows"), [("1e6", 1_000_000), ("250000", 250_000), ("2.5e3", 2500), ("0", 0), ("1_000", 1000)]
)
def test_rows_are_written_as_people_write_them(text: str, rows: int) -> None:
    assert parse_rows(text) == rows


@pytest.mark.parametrize("text", ["-1", "1.5", "many", "", "nan", "inf", "1e400000000", "1e16"])
def test_what_is_no_number_of_rows_is_refused(text: str) -> None:
    with pytest.raises(WrongRows, match=f"--rows is {text}: it must be a whole number"):
        parse_rows(text)


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (["--schema", "custmers"], UnknownSchema),
        ([], NoSchema),
        (["--schema", "customers", "--rows", "-3"], WrongRows),
        (["--schema", "customers", "--seed", "-3"], WrongCount),
        (["--schema", "customers", "--workers", "0"], WrongCount),
        (["--schema", "customers", "--rows", "1e9", "--out", "never.csv"], ImpossibleParameters),
        (["--schema", "customers", "--out", "x.cvs"], UnknownFormat),
        (["--schema", "customers", "--out", "/nowhere/x.csv"], CannotWrite),
        (["--schema", "customers", "--out", "postgresql://host/"], WrongTarget),
        (["--schema", "customers", "--out", "postgresql://user:secret@127.0.0.1:1/database/table"], CannotWrite),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else value.__name__,
)
def test_what_cannot_be_done_is_told_in_one_line(words: list[str], error: type[Exception]) -> None:
    with pytest.raises(error) as told:
        fortress(*words)
    assert len(str(told.value).splitlines()) == 1
    assert "secret" not in str(told.value)


def test_no_schema_at_all_is_told_by_the_options_name() -> None:
    with pytest.raises(NoSchema, match=r"^--schema is missing: name a file or one of customers, series, transactions$"):
        fortress("--rows", "3")


def test_a_full_disk_behind_what_is_printed_is_named() -> None:
    command = [str(FORTRESS), "data", "generate", "--schema", "customers", "--rows", "1000"]
    with Path("/dev/full").open("wb") as full:
        told = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert told.returncode == 1
    assert told.stderr == "error: standard output: could not be written: No space left on device\n"


def test_who_stops_reading_what_is_printed_is_not_told_of_it() -> None:
    command = f"{FORTRESS} data generate --schema customers --rows 2000 | head -c 1"
    told = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=True)
    assert (told.stdout, told.stderr) == ("{", "")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP], ids=lambda number: number.name)
def test_who_is_told_to_end_leaves_no_half_file(number: signal.Signals, tmp_path: Path) -> None:
    # Far from done when the signal comes; should that have no effect, the limit of a file's size ends it.
    generate = f"{FORTRESS} data generate --schema customers --rows 2e7 --out {tmp_path}/x.csv"
    command = f"ulimit -f {LARGEST_BLOCKS}; exec {generate}"
    with subprocess.Popen(["sh", "-c", command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        wait_until(
            lambda: process.poll() is not None or any(file.stat().st_size for file in tmp_path.iterdir()),
            "the first bytes of the file",
        )
        assert process.poll() is None
        process.send_signal(number)
        printed, said = process.communicate()
    assert process.returncode == 128 + number
    assert (printed, said) == ("", "")
    assert list(tmp_path.iterdir()) == []


def test_where_data_went_is_told_as_it_was_asked_for() -> None:
    for out in ("postgresql:///people", "postgresql://aws-0/people", "postgresql://host:5433/database/people"):
        assert str(Target.parse(out)) == out
    assert str(Target.parse("postgresql://user:secret@host/database/people?sslmode=require")) == (
        "postgresql://user@host/database/people"
    )
    assert Target.parse("postgresql:///database/people").conninfo() == "postgresql:///database"


def test_a_local_environment_that_is_not_there_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOCALCLOUD_HOME", str(tmp_path / "none"))
    with pytest.raises(WrongTarget, match="no databases: bring it up with `make up`"):
        fortress("--schema", "customers", "--out", "postgresql:///customers")


def test_an_address_is_taken_apart_and_shown_without_its_password() -> None:
    target = Target.parse("postgresql://me:secret@host:5433/db/demo.people?sslmode=require&password=secret")
    assert (target.database, target.table) == ("db", "demo.people")
    assert target.conninfo() == "postgresql://me:secret@host:5433/db?sslmode=require&password=secret"
    assert str(target) == "postgresql://me@host:5433/db/demo.people"
    assert Target.parse("postgresql:///people").address.hostname is None


@pytest.fixture
def databases_of_ours(answering: Postgres) -> Iterator[list[str]]:
    names = [make_database(answering, "synthetic") for _ in range(3)]
    yield names
    with answering.as_operator("postgres") as connection:
        for name in names:
            connection.execute(f"drop database {name} with (force)")


def count(server: Postgres, database: str) -> int:
    with server.as_operator(database) as connection:
        row = connection.execute("select count(*) from people").fetchone()
    assert row is not None
    return int(row[0])


@pytest.mark.servers
def test_a_database_anywhere_is_loaded_by_its_address(answering: Postgres, databases_of_ours: list[str]) -> None:
    pair = answering.authority.client_certificate("postgres")
    options = f"sslmode=verify-full&sslrootcert={answering.authority.ca_certificate}"
    options += f"&sslcert={pair.certificate}&sslkey={pair.key}"
    address = f"postgresql://postgres@{answering.address}:{answering.port}/{databases_of_ours[0]}/people"
    told = json.loads(fortress("--schema", "customers", "--rows", "100", "--out", f"{address}?{options}", "--json"))
    assert told["out"] == address
    assert count(answering, databases_of_ours[0]) == 100


@pytest.fixture
def local_environment(
    answering: Postgres, databases_of_ours: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> dict[str, str]:
    """Two servers and a replica, as a local environment lists them; from service to database."""
    pair = answering.authority.client_certificate("postgres")
    services = dict(zip(("aws-0", "azure-0", "gcp-0-replica"), databases_of_ours, strict=True))
    (tmp_path / "pg_service.conf").write_text(
        "".join(
            f"[{service}]\nhost={answering.address}\nport={answering.port}\ndbname={name}\nuser=postgres\n"
            f"sslmode=verify-full\nsslrootcert={answering.authority.ca_certificate}\nsslcert={pair.certificate}\n"
            f"sslkey={pair.key}\n"
            for service, name in services.items()
        )
    )
    records: dict[str, Any] = {
        name: SimpleNamespace(source="gcp-0" if "replica" in name else None) for name in services
    }
    monkeypatch.setenv("LOCALCLOUD_HOME", str(tmp_path))
    monkeypatch.setenv("PGSERVICEFILE", "")  # the command sets it: it must not outlive the test
    monkeypatch.setattr("localcloud.postgres.services.by_name", lambda home: records)
    return services


@pytest.mark.servers
def test_databases_of_the_local_environment_share_the_records(
    answering: Postgres, local_environment: dict[str, str]
) -> None:
    fortress("--schema", "customers", "--rows", "60000", "--out", "postgresql:///people")
    shares = [count(answering, local_environment[name]) for name in ("aws-0", "azure-0")]
    assert sum(shares) == 60_000
    assert min(shares) > 10_000
    with ExitStack() as stack:
        replica = stack.enter_context(answering.as_operator(local_environment["gcp-0-replica"]))
        assert replica.execute("select to_regclass('people')").fetchone() == (None,)


@pytest.mark.servers
def test_one_database_of_the_local_environment_is_loaded_by_its_name(
    answering: Postgres, local_environment: dict[str, str]
) -> None:
    fortress("--schema", "customers", "--rows", "50", "--out", "postgresql://azure-0/people")
    assert count(answering, local_environment["azure-0"]) == 50
    with pytest.raises(WrongTarget, match="no database azure-1; it has aws-0, azure-0, gcp-0-replica"):
        fortress("--schema", "customers", "--rows", "50", "--out", "postgresql://azure-1/people")
