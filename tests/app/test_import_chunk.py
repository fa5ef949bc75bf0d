"""The rows of a bulk import, byte for byte, without a database."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.events import (
    EventStoreError,
    InvalidEvent,
    NewEvent,
    StreamClosed,
    TotalOutOfRange,
    VersionConflict,
    WrongEpoch,
    import_chunk,
)
from app.events.append import LARGEST_EVENT_BYTES
from app.events.import_chunk import Chunk, ImportedEvent
from app.events.model import Slot

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
HERE = {"s": Slot(7, 3), "t": Slot(8, 4)}
COLUMNS = 12


def event(change: int = 0, kind: str = "Granted", **data: Any) -> NewEvent:
    return NewEvent(kind, data, change)


def chunk(*events: ImportedEvent) -> Chunk:
    return Chunk(events, HERE.get)


def rows(pieces: Iterable[bytes]) -> list[list[bytes | None]]:
    """Parse what COPY gets (PostgreSQL manual, COPY, Binary Format)."""
    text = b"".join(pieces)
    assert text[:19] == b"PGCOPY\n\xff\r\n\0" + bytes(8)
    return list(_rows(text[19:]))


def _rows(text: bytes) -> Iterator[list[bytes | None]]:
    while True:
        (count,), text = struct.unpack(">h", text[:2]), text[2:]
        if count == -1:
            assert text == b""
            return
        assert count == COLUMNS
        fields: list[bytes | None] = []
        for _ in range(count):
            (length,), text = struct.unpack(">i", text[:4]), text[4:]
            fields.append(None if length == -1 else text[:length])
            text = text[max(length, 0) :]
        yield fields


def number(field: bytes | None) -> int:
    assert field is not None
    return int.from_bytes(field, "big", signed=True)


def test_streams_are_summed_up_for_the_server() -> None:
    later, sooner = NOON + timedelta(days=2), NOON + timedelta(days=1)
    asked = chunk(
        ImportedEvent("s", event(5), due=later),
        ImportedEvent("t", event(-2)),
        ImportedEvent("elsewhere", event(1)),
        ImportedEvent("s", event(6), due=sooner),
        ImportedEvent("s", event(7), due=later),
    )
    assert [each.stream for each in asked.events] == ["s", "t", "s", "s"]
    parameters = {name: value.strip("{}").replace('"', "").split(",") for name, value in asked.parameters().items()}
    dues = parameters.pop("dues")
    assert parameters == {
        "streams": ["s", "t"],
        "slots": ["7", "8"],
        "epochs": ["3", "4"],
        "counts": ["3", "1"],
        "sums": ["18", "-2"],
    }
    assert datetime.fromisoformat(dues[0]) == sooner
    assert dues[1].lower() == "null"


def test_rows_carry_on_where_the_streams_end() -> None:
    some = chunk(
        ImportedEvent("s", event(5, amount=5)),
        ImportedEvent("t", event(-2, "Spent"), recorded_at=NOON - timedelta(hours=1)),
        ImportedEvent("s", event(6, amount=6), version=12),
    )
    some.begin([(1, "stored", 10, 100), (2, "stored", 0, 0)])
    first, second, third = rows(some.pieces(NOON))
    assert [row[0] for row in (first, second, third)] == [b"s", b"t", b"s"]
    # version, slot, schema version, recorded at, change, running total
    noon = (NOON - EPOCH) // timedelta(microseconds=1)
    assert [number(field) for field in first[1:7]] == [11, 7, 1, noon, 5, 105]
    assert [number(field) for field in second[1:7]] == [1, 8, 1, noon - 3_600_000_000, -2, -2]
    assert [number(field) for field in third[1:7]] == [12, 7, 1, noon, 6, 111]
    assert first[7:] == [None, None, b"Granted", b'{"amount":5}', b"{}"]
    assert second[9:] == [b"Spent", b"{}", b"{}"]


def test_a_key_is_a_hash_beside_a_hash_of_what_it_stands_for() -> None:
    def stored(**more: Any) -> list[bytes | None]:
        one = chunk(ImportedEvent("s", event(1), **more))
        one.begin([(1, "stored", 0, 0)])
        [row] = rows(one.pieces(NOON))
        return row[7:9]

    key, content = stored(idempotency_key="k")
    assert key is not None
    assert content is not None
    assert (len(key), len(content)) == (16, 8)
    assert stored(idempotency_key="k") == [key, content]
    assert stored(idempotency_key="k", content=b"other")[0] == key
    assert stored(idempotency_key="k", content=b"other")[1] != content
    assert stored(idempotency_key="l")[0] != key


def test_rows_come_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(import_chunk, "PIECE", 2)
    many = chunk(*(ImportedEvent("s", event(1)) for _ in range(5)))
    many.begin([(1, "stored", 0, 0)])
    pieces = list(many.pieces(NOON))
    assert len(pieces) == 4, "three with rows, and the trailer"
    assert [number(row[1]) for row in rows(pieces)] == [1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    ("outcome", "error", "text"),
    [
        ("elsewhere", EventStoreError, "event 9"),
        ("wrong epoch", WrongEpoch, "7"),
        ("closed", StreamClosed, "s is closed"),
    ],
)
def test_a_refusal_of_the_server_is_named(outcome: str, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        chunk(ImportedEvent("s", event())).begin([(1, outcome, 9, 0)])


def test_a_version_that_is_not_the_next_is_refused() -> None:
    one = chunk(ImportedEvent("s", event(), version=5))
    one.begin([(1, "stored", 3, 0)])
    with pytest.raises(VersionConflict) as conflict:
        list(one.pieces(NOON))
    assert conflict.value.args[:1] == ("s",) or "s" in str(conflict.value)


@pytest.mark.parametrize("field", ["due", "recorded_at"])
def test_a_time_without_a_zone_is_refused(field: str) -> None:
    def run() -> None:
        one = chunk(ImportedEvent("s", event(), **{field: NOON.replace(tzinfo=None)}))  # type: ignore[arg-type]
        one.begin([(1, "stored", 0, 0)])
        list(one.pieces(NOON))

    with pytest.raises(InvalidEvent, match="no time zone"):
        run()


@pytest.mark.parametrize(
    ("change", "fits"), [(2**63 - 1, True), (-(2**63), True), (2**63, False), (-(2**63) - 1, False)]
)
def test_a_sum_outside_a_bigint_is_refused(change: int, fits: bool) -> None:
    parts = [change // 2, change - change // 2]
    asked = chunk(*(ImportedEvent("s", event(part)) for part in parts))
    if fits:
        assert str(change) in asked.parameters()["sums"]
    else:
        with pytest.raises(TotalOutOfRange, match="running total of s"):
            asked.parameters()


def test_a_running_total_outside_a_bigint_is_refused() -> None:
    one = chunk(ImportedEvent("s", event(1)))
    one.begin([(1, "stored", 0, 2**63 - 1)])
    with pytest.raises(TotalOutOfRange, match="running total of s"):
        list(one.pieces(NOON))


def test_data_that_is_no_json_is_refused() -> None:
    one = chunk(ImportedEvent("s", event()), ImportedEvent("s", event(what=object())))
    one.begin([(1, "stored", 0, 0)])
    with pytest.raises(InvalidEvent, match="this is not JSON"):
        list(one.pieces(NOON))


def test_a_name_that_no_append_takes_is_refused() -> None:
    with pytest.raises(InvalidEvent):
        Chunk([ImportedEvent("", event())], lambda _: Slot(7, 3))


def test_a_type_that_no_append_takes_is_refused_behind_others() -> None:
    some = chunk(ImportedEvent("s", event()), ImportedEvent("s", event(kind="")))
    some.begin([(1, "stored", 0, 0)])
    with pytest.raises(InvalidEvent):
        list(some.pieces(NOON))


def test_data_and_metadata_together_have_a_limit() -> None:
    def import_event(size: int) -> None:
        text = "x" * (size - len('{"t":""}') - len('{"m":"0123456789"}'))
        large = NewEvent("Granted", {"t": text}, metadata={"m": "0123456789"})
        some = chunk(ImportedEvent("s", event()), ImportedEvent("s", large))
        some.begin([(1, "stored", 0, 0)])
        list(some.pieces(NOON))

    import_event(LARGEST_EVENT_BYTES)
    with pytest.raises(InvalidEvent, match="more than 65536"):
        import_event(LARGEST_EVENT_BYTES + 1)
