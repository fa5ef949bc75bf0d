"""`fortress shards`, as it is typed, on real shards."""

from __future__ import annotations

import json
import uuid
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import psycopg
import pytest
from typer.testing import CliRunner

from app.database import DatabaseUnavailable
from app.provisioning.migrate import Migrator
from app.sharding import LastShard, SameShard, ShardNotEmpty, SlotOutOfRange
from app.sharding.errors import UnknownShard
from app.sharding.ownership import ShardOwnsSlots
from app.topology import Directory, NoLogin, parse_directory
from app.transfers.decommission import ShardNeeded
from cli.main import app
from cli.shared.target import NoShards

from .conftest import Empty, Postgres, shard

pytestmark = pytest.mark.servers
GCP_SLOTS = range(4088, 4096)
RANGES = {"aws": [[0, 2043]], "azure": [[2044, 4087]], "gcp": [[4088, 4095]]}


@pytest.fixture
def directory(empty: Empty, answering: Postgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Directory:
    """Two big shards and one with eight slots, in an environment that logs in as their administrator."""
    shards = [shard(answering, home, empty(home).database) | {"slots": RANGES[home]} for home in RANGES]
    text = json.dumps({"slots": 4096, "shards": shards})
    parsed = parse_directory(text)
    for listed in parsed.shards:
        Migrator(listed, directory=parsed).up(lambda _: None)
    (tmp_path / "directory.json").write_text(text)
    monkeypatch.setenv("FORTRESS_DIRECTORY", str(tmp_path / "directory.json"))
    return parsed


def fortress(*words: str, answer: str = "") -> str:
    result = CliRunner().invoke(app, ["shards", *words], input=answer)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.stdout


def run_json(*words: str) -> Any:
    return json.loads(fortress(*words, "--json"))


def slots() -> dict[str, int]:
    return {row["shard"]: row["slots"] for row in run_json("status")["shards"]}


def owned(postgres: Postgres, directory: Directory, name: str) -> set[int]:
    """Return the slots that the shard owns by its own table."""
    with postgres.as_operator(directory.by_name[name].database) as connection:
        return {slot for (slot,) in connection.execute("select slot from slots where state = 'owned'")}


def test_status_tells_shards_and_servers(directory: Directory) -> None:
    status = run_json("status")
    assert status["version"] == 1
    assert status["moving"] == []
    assert [row["slots"] for row in status["shards"]] == [2044, 2044, 8]
    assert {(row["server"], row["role"], row["circuit"], row["answers"]) for row in status["servers"]} == {
        (name, "primary", "closed", True) for name in ("aws-0", "azure-0", "gcp-0")
    }
    lines = fortress("status").splitlines()
    assert lines[0] == "slot map version 1"
    assert any(line.split() == ["gcp-0", "gcp", "active", "8", "0", "0"] for line in lines)


def test_status_shows_a_server_that_is_down(directory: Directory, tmp_path: Path) -> None:
    document = json.loads((tmp_path / "directory.json").read_text())
    document["shards"][2]["port"] = 1
    (tmp_path / "directory.json").write_text(json.dumps(document))
    [down] = [row for row in run_json("status")["servers"] if not row["answers"]]
    assert down["server"] == "gcp-0"
    assert any(line.startswith("gcp-0") and line.endswith("DOWN") for line in fortress("status").splitlines())


def test_one_slot_moves(directory: Directory, answering: Postgres) -> None:
    assert run_json("move", "4090", "aws-0") == {"slot": 4090, "shard": "aws-0", "epoch": 2}
    assert slots() == {"aws-0": 2045, "azure-0": 2044, "gcp-0": 7}
    assert 4090 in owned(answering, directory, "aws-0")
    assert 4090 not in owned(answering, directory, "gcp-0")
    assert run_json("drop", "--grace", "0") == {"dropped": [4090]}
    assert run_json("resume") == {"moved": [], "aborted": [], "failed": {}}


def test_a_plan_changes_nothing_and_a_rebalance_asks(directory: Directory) -> None:
    planned = run_json("plan", "--seconds", "0")
    assert len(planned["moves"]) == pytest.approx(4096 / 3 - 8, rel=0.01)
    assert {move["target"] for move in planned["moves"]} == {"gcp-0"}
    with pytest.raises(AssertionError):
        fortress("rebalance", "--seconds", "0", answer="n\n")
    assert "slots are to move" in fortress("plan", "--seconds", "0")
    assert slots() == {"aws-0": 2044, "azure-0": 2044, "gcp-0": 8}


def test_a_shard_is_drained_removed_and_added_again(directory: Directory, answering: Postgres) -> None:
    with pytest.raises(ShardNotEmpty, match="shard gcp-0 holds 8 slots"):
        fortress("remove", "gcp-0")
    assert run_json("drain", "gcp-0", "--yes")["moved"] == 8
    assert slots() == {"aws-0": 2048, "azure-0": 2048, "gcp-0": 0}
    assert owned(answering, directory, "gcp-0") == set()
    assert [row["state"] for row in run_json("status")["shards"]] == ["active", "active", "draining"]
    assert run_json("rebalance", "--seconds", "0")["moved"] == 0
    assert run_json("remove", "gcp-0") == {"removed": "gcp-0"}
    assert slots() == {"aws-0": 2048, "azure-0": 2048}
    assert run_json("add", "gcp-0") == {"added": "gcp-0"}
    assert slots() == {"aws-0": 2048, "azure-0": 2048, "gcp-0": 0}


@pytest.mark.parametrize(
    ("held_by", "decider"), [("aws-0", "gcp-0"), ("azure-0", "gcp-0"), ("gcp-0", "aws-0")], ids=str
)
def test_a_shard_that_a_transfer_waits_for_is_not_removed(
    directory: Directory, answering: Postgres, held_by: str, decider: str
) -> None:
    run_json("drain", "gcp-0", "--yes")
    needing, other = (f"fortress:{name}:{uuid.uuid4().hex}" for name in (decider, "ibm-0"))
    with ExitStack() as stack:
        prepare(stack, answering, directory.by_name[held_by].database, needing)
        # Of nobody's concern here.
        prepare(stack, answering, directory.by_name["aws-0"].database, other)
        with pytest.raises(ShardNeeded, match=f"need shard gcp-0: 1 on {held_by}. They settle"):
            fortress("remove", "gcp-0")
        assert [row["shard"] for row in run_json("status")["shards"]] == ["aws-0", "azure-0", "gcp-0"]
        with answering.as_operator(directory.by_name[held_by].database) as connection:
            connection.execute(f"rollback prepared '{needing}'")
        assert run_json("remove", "gcp-0") == {"removed": "gcp-0"}


def prepare(stack: ExitStack, postgres: Postgres, database: str, gid: str) -> None:
    """Prepare a transaction, which is rolled back in the end where it is still there."""

    def roll_back() -> None:
        with postgres.as_operator(database) as connection, suppress(psycopg.errors.UndefinedObject):
            connection.execute(f"rollback prepared '{gid}'")

    with postgres.as_operator(database) as connection:
        connection.execute("begin")
        connection.execute("select pg_current_xact_id()")
        connection.execute(f"prepare transaction '{gid}'")
    stack.callback(roll_back)


def test_a_shard_is_not_removed_while_one_that_may_need_it_is_down(
    directory: Directory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_json("drain", "gcp-0", "--yes")
    monkeypatch.setattr("cli.shared.operator_context.SECONDS", 1.0)
    document = json.loads((tmp_path / "directory.json").read_text())
    document["shards"][1]["port"] = 1
    (tmp_path / "directory.json").write_text(json.dumps(document))
    with pytest.raises(DatabaseUnavailable, match="shard azure-0"):
        fortress("remove", "gcp-0")


def test_a_rebalance_empties_a_shard_that_drains(directory: Directory, answering: Postgres) -> None:
    with answering.as_operator(directory.map_shard.database) as connection:
        connection.execute("select set_shard_state('gcp-0', 'draining')")
    output = fortress("rebalance", "--yes", "--seconds", "0.1")
    assert output.endswith("8 slots moved\n")
    assert slots() == {"aws-0": 2048, "azure-0": 2048, "gcp-0": 0}
    run_json("add", "gcp-0")
    assert run_json("status")["shards"][2]["state"] == "active"


def test_the_last_shard_stays(directory: Directory, answering: Postgres) -> None:
    with answering.as_operator(directory.map_shard.database) as connection:
        for name in ("azure-0", "gcp-0"):
            connection.execute("select set_shard_state(%s, 'draining')", [name])
    for command in (("remove", "aws-0"), ("drain", "aws-0", "--yes")):
        with pytest.raises(LastShard, match="aws-0 is the last shard that takes slots"):
            fortress(*command)


@pytest.mark.parametrize(
    ("words", "error", "line"),
    [
        (("move", "4096", "aws-0"), SlotOutOfRange, "slot 4096 is out of range: slots are numbered 0 to 4095"),
        (("move", "7", "ibm-0"), UnknownShard, "the map has no shard ibm-0"),
        (("move", "7", "aws-0"), SameShard, "slot 7 is on shard aws-0 already"),
        (("drain", "ibm-0"), UnknownShard, "the map has no shard ibm-0; it has aws-0, azure-0, gcp-0"),
        (("remove", "ibm-0"), UnknownShard, "the map has no shard ibm-0"),
        (("add", "ibm-0"), NoLogin, "the directory does not list shard ibm-0"),
    ],
)
def test_bad_input_is_refused_by_name(
    directory: Directory, words: tuple[str, ...], error: type[Exception], line: str
) -> None:
    with pytest.raises(error, match=line):
        fortress(*words)


def test_a_shard_that_believes_in_slots_of_others_is_not_let_in(directory: Directory, answering: Postgres) -> None:
    run_json("drain", "gcp-0", "--yes")
    run_json("remove", "gcp-0")
    with answering.as_operator(directory.by_name["gcp-0"].database) as connection:
        connection.execute("update slots set state = 'owned' where slot = 4090")
    with pytest.raises(
        ShardOwnsSlots, match="shard gcp-0 owns 1 slots by its own table, which the map gives to others"
    ):
        fortress("add", "gcp-0")


def test_loads_are_measured(directory: Directory, answering: Postgres) -> None:
    """What is written decides: the shard with a heavy slot gives others away."""
    with answering.as_operator(directory.by_name["aws-0"].database) as connection:
        fill(connection, slot=3, streams=50)
    planned = run_json("plan", "--seconds", "0")
    assert planned["shards"]["aws-0"]["before"]["bytes"] > planned["shards"]["azure-0"]["before"]["bytes"] == 0
    assert 3 not in {move["slot"] for move in planned["moves"]}


def fill(connection: psycopg.Connection[tuple[Any, ...]], slot: int, streams: int) -> None:
    connection.execute(
        "insert into streams (stream, slot, version, total, closed)"
        " select 's' || number, %s, 100, 0, false from generate_series(1, %s::int) as number",
        [slot, streams],
    )


@pytest.fixture
def nowhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("FORTRESS_DIRECTORY", raising=False)
    monkeypatch.setenv("LOCALCLOUD_HOME", str(tmp_path / "nowhere"))


def test_without_any_shards_it_says_what_to_do(nowhere: None) -> None:
    with pytest.raises(NoShards, match="name a directory file"):
        fortress("status")
