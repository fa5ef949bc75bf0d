"""What the erasure log acknowledged is in it after a crash, and nothing else is taken for an erasure."""

from __future__ import annotations

import asyncio
import os
import stat
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.personal_data import ErasureLogDamaged
from app.personal_data.erasure_log import Erasure, FileErasureLog

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "new" / "erasures.jsonl"


async def test_there_is_nothing_in_a_log_that_is_not_there(path: Path) -> None:
    assert await FileErasureLog(path).entries() == []
    assert not path.exists()


async def test_each_subject_is_noted_once_with_its_first_time(path: Path) -> None:
    log = FileErasureLog(path)
    await log.record([Erasure("anna", NOON), Erasure("bert", NOON)])
    await log.record([Erasure("anna", NOON + timedelta(days=1))])
    assert await log.entries() == [Erasure("anna", NOON), Erasure("bert", NOON)]
    assert len(path.read_text().splitlines()) == 2


async def test_only_its_owner_reads_it(path: Path) -> None:
    previous = os.umask(0)
    try:
        await FileErasureLog(path).record([Erasure("anna", NOON)])
    finally:
        os.umask(previous)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.slow
@given(st.lists(st.text(min_size=1, max_size=12), max_size=6, unique=True), st.data())
def test_a_crash_at_any_byte_leaves_what_was_acknowledged(subjects: list[str], data: st.DataObject) -> None:
    async def crash_and_go_on(path: Path) -> None:
        log = FileErasureLog(path)
        for subject in subjects:
            await log.record([Erasure(subject, NOON)])
        before = path.read_bytes() if subjects else b""
        await log.record([Erasure("the last one", NOON)])
        whole = path.read_bytes()
        path.write_bytes(whole[: data.draw(st.integers(len(before), len(whole) - 1))])
        assert [erasure.subject for erasure in await log.entries()] == subjects
        await log.record([Erasure("after", NOON)])
        assert [erasure.subject for erasure in await log.entries()] == [*subjects, "after"]

    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(crash_and_go_on(Path(folder) / "erasures.jsonl"))


@pytest.mark.parametrize(
    "line",
    [
        "",
        "[]",
        "{}",
        '{"subject": "anna"}',
        '{"subject": 7, "erased_at": "now"}',
        "not json",
        '{"subject": "anna", "erased_at": "2026-05-01T12:00:00"}',
    ],
)
async def test_a_line_that_is_no_erasure_is_named(path: Path, line: str) -> None:
    log = FileErasureLog(path)
    await log.record([Erasure("anna", NOON)])
    with path.open("a") as file:
        file.write(line + "\n")
    for use in (log.entries, lambda: log.record([Erasure("bert", NOON)])):
        with pytest.raises(ErasureLogDamaged, match=r"erasures\.jsonl, line 2"):
            await use()


async def test_processes_that_write_at_once_lose_nothing(path: Path) -> None:
    names = [f"subject-{number}" for number in range(60)]
    await asyncio.gather(*(FileErasureLog(path).record([Erasure(name, NOON)]) for name in names))
    assert {erasure.subject for erasure in await FileErasureLog(path).entries()} == set(names)
