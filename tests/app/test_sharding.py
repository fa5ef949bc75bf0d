"""Slots, and the directory that gives each to a shard."""

from __future__ import annotations

import copy
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.sharding import Router
from app.topology import SLOTS, WrongDirectory, parse_directory, read_directory, slot_of

HOMES = ("aws", "azure", "gcp")


def entry(name: str, home: str, *ranges: list[int]) -> dict[str, Any]:
    return {
        "name": name,
        "home": home,
        "region": "r",
        "host": f"{name}.example.com",
        "port": None,
        "database": "ledger",
        "slots": list(ranges),
        "app": {"user": "ledger", "login": "gcp-iam"},
        "admin": {"user": "migrator", "login": "gcp-iam"},
        "replicas": [{"host": f"{name}-replica.example.com"}],
    }


def document(*shards: dict[str, Any]) -> str:
    return json.dumps({"slots": SLOTS, "shards": shards})


THREE = (entry("aws-0", "aws", [0, 1365]), entry("azure-0", "azure", [1366, 2730]), entry("gcp-0", "gcp", [2731, 4095]))


@given(st.text())
def test_a_slot_is_in_range_and_stays(key: str) -> None:
    assert 0 <= slot_of(key) < SLOTS
    assert slot_of(key) == slot_of(key)


def test_slots_are_those_that_data_was_stored_under() -> None:
    assert [slot_of(key) for key in ("", "alice", "bob", "ä")] == [1218, 1712, 2277, 1204]


@given(st.text(), st.text())
def test_what_belongs_to_a_key_is_in_its_slot(key: str, more: str) -> None:
    assert slot_of(f"{key}/{more}") == slot_of(key)


def test_keys_spread_evenly_over_three_homes() -> None:
    directory = parse_directory(document(*THREE))
    counts = dict.fromkeys(HOMES, 0)
    for number in range(30_000):
        counts[directory.place_of(f"account-{number}").home] += 1
    assert all(abs(count - 10_000) < 400 for count in counts.values())


def test_eight_equal_ranges_get_their_share_of_keys_within_two_percent() -> None:
    keys, shards = 200_000, 8
    counts = Counter(slot_of(f"account-{number}") * shards // SLOTS for number in range(keys))
    assert len(counts) == shards
    assert all(abs(count / (keys / shards) - 1) < 0.02 for count in counts.values())


@given(st.lists(st.integers(1, SLOTS - 1), unique=True, max_size=20), st.data())
def test_any_cut_into_ranges_places_every_slot_once(cuts: list[int], data: st.DataObject) -> None:
    bounds = [0, *sorted(cuts), SLOTS]
    owners = [data.draw(st.sampled_from(HOMES)) for _ in bounds[1:]]
    shards = [
        entry(f"shard-{number}", owner, [first, behind - 1])
        for number, (owner, first, behind) in enumerate(zip(owners, bounds, bounds[1:], strict=False))
    ]
    directory = parse_directory(document(*shards))
    for key in ("alice", "bob", "carol"):
        place = directory.place_of(key)
        number = int(place.shard.removeprefix("shard-"))
        assert place.slot == slot_of(key)
        assert bounds[number] <= place.slot < bounds[number + 1]
        assert place.home == owners[number]


def test_a_router_finds_the_store_of_the_keys_shard() -> None:
    directory = parse_directory(document(*THREE))
    router = Router(directory, {"aws-0": 1, "azure-0": 2, "gcp-0": 3})
    place, store = router.route("alice")
    assert (place.home, store) == ("azure", 2)


def changed(**changes: Any) -> tuple[dict[str, Any], ...]:
    shards = copy.deepcopy(THREE)
    shards[0].update(changes)
    return shards


@pytest.mark.parametrize(
    ("shards", "line"),
    [
        (changed(slots=[[0, 1366]]), "slot 1366 belongs to aws-0 and to azure-0"),
        (changed(slots=[[0, 1364]]), "slot 1365 belongs to no shard"),
        (changed(slots=[[0, 1365], [7, 7]]), "slot 7 belongs to aws-0 and to aws-0"),
        (changed(slots=[[1365, 0]]), r"shard aws-0: \[1365, 0\] is no range of slots"),
        (changed(slots=[[0, 1, 2]]), r"shard aws-0: \[0, 1, 2\] is no range of slots"),
        (changed(slots=[[0, 4096]]), r"shards.0.slots.0.1: Input should be less than 4096"),
        (changed(slots=[]), "slot 0 belongs to no shard"),
        (changed(name="gcp-0"), "two shards are named gcp-0"),
        (changed(home="ibm"), "shards.0.home: Input should be 'aws', 'azure' or 'gcp'"),
        (changed(port="5432"), "shards.0.port: Input should be a valid integer"),
        (changed(app={"user": "ledger", "login": "password"}), "shards.0.app.login: Input should be"),
        ((), "shards: List should have at least 1 item"),
    ],
)
def test_a_contradiction_is_refused_in_one_line(shards: tuple[dict[str, Any], ...], line: str) -> None:
    with pytest.raises(WrongDirectory, match=f"^{line}"):
        parse_directory(document(*shards))


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"slots": 4096}', '{"slots": 7, "shards": []}', "\x00"])
def test_what_is_no_directory_is_refused(text: str) -> None:
    with pytest.raises(WrongDirectory):
        parse_directory(text)


def test_a_shard_that_was_added_later_holds_nothing_at_first() -> None:
    directory = parse_directory(document(*THREE, entry("aws-1", "aws")))
    assert set(directory.owners) == {"aws-0", "azure-0", "gcp-0"}


def test_a_home_has_the_shards_that_name_it() -> None:
    directory = parse_directory(document(*THREE, entry("aws-1", "aws")))
    assert [shard.name for shard in directory.at_home("aws")] == ["aws-0", "aws-1"]
    assert [shard.name for shard in directory.at_home("gcp")] == ["gcp-0"]
    assert [directory.owners[slot] for slot in (0, 1365, 1366, 2730, 2731, 4095)] == [
        name for name in ("aws-0", "azure-0", "gcp-0") for _ in range(2)
    ]


def test_the_first_shard_holds_the_map_unless_another_is_named() -> None:
    assert parse_directory(document(*THREE)).map_shard.name == "aws-0"
    named = {"slots": SLOTS, "shards": THREE, "map": "gcp-0"}
    assert parse_directory(json.dumps(named)).map_shard.name == "gcp-0"
    with pytest.raises(WrongDirectory, match="map: there is no shard ibm-0 to hold the slot map"):
        parse_directory(json.dumps(named | {"map": "ibm-0"}))


def test_a_replica_may_say_where_it_is() -> None:
    replica = {"host": "r", "address": "10.0.0.9", "port": 5433, "home": "gcp", "region": "europe-west3"}
    shards = changed(replicas=[replica, {"host": "s"}])
    first, second = parse_directory(document(*shards)).shards[0].replicas
    assert (first.address, first.port, first.home, first.region) == ("10.0.0.9", 5433, "gcp", "europe-west3")
    assert second.home is None
    with pytest.raises(WrongDirectory, match=r"shards\.0\.replicas\.0\.home: Input should be 'aws', 'azure' or 'gcp'"):
        parse_directory(document(*changed(replicas=[{"host": "r", "home": "ibm"}])))


def test_another_number_of_slots_is_refused() -> None:
    with pytest.raises(WrongDirectory, match="slots: must be 4096, not 1024"):
        parse_directory(json.dumps({"slots": 1024, "shards": THREE}))


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(WrongDirectory, match=r"nowhere\.json cannot be read: .*No such file"):
        read_directory(tmp_path / "nowhere.json")
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    with pytest.raises(WrongDirectory, match="binary cannot be read"):
        read_directory(tmp_path / "binary")
    (tmp_path / "wrong.json").write_text("{}")
    with pytest.raises(WrongDirectory, match=r"wrong\.json is wrong: slots: Field required"):
        read_directory(tmp_path / "wrong.json")
