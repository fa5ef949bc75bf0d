"""The cache of built things: whole or absent, made once, repaired when damaged."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from tools.gobuild.cache import Cache, Entry, default_root


class Maker:
    """Makes an entry with one program in it, and counts."""

    def __init__(self, failure: Exception | None = None) -> None:
        self.made = 0
        self.failure = failure

    def __call__(self, folder: Path) -> None:
        self.made += 1
        (folder / "bin").mkdir()
        (folder / "bin" / "program").write_text("whole")
        if self.failure:
            raise self.failure


@pytest.fixture
def cache(tmp_path):
    return Cache(tmp_path / "cache")


def test_an_entry_is_made_once(cache):
    maker = Maker()
    first, second = cache.obtain("1.0-abc", maker), cache.obtain("1.0-abc", maker)
    assert first == second
    assert (first.folder / "bin" / "program").read_text() == "whole"
    assert maker.made == 1


@pytest.mark.parametrize(
    "damage",
    [
        lambda program: program.write_text("half"),
        lambda program: program.unlink(),
        lambda program: program.chmod(0o600),
        lambda program: program.with_name("foreign").write_text("more"),
        lambda program: (program.parents[1] / "manifest.json").write_text("{"),
        lambda program: (program.parents[1] / "manifest.json").unlink(),
    ],
    ids=["changed", "missing", "not executable", "a file too many", "half a manifest", "no manifest"],
)
def test_a_damaged_entry_is_made_anew(cache, damage):
    maker = Maker()
    entry = cache.obtain("1.0-abc", maker)
    damage(entry.folder / "bin" / "program")
    assert not entry.is_whole()
    cache.obtain("1.0-abc", maker)
    assert entry.is_whole()
    assert maker.made == 2


def test_a_failed_making_leaves_nothing_that_counts(cache):
    with pytest.raises(RuntimeError, match="no disk"):
        cache.obtain("1.0-abc", Maker(RuntimeError("no disk")))
    assert not Entry(cache.folder / "1.0-abc").is_whole()
    assert [path.name for path in cache.folder.iterdir()] == [".1.0-abc.lock"]


def test_what_a_killed_making_left_behind_is_swept_up(cache):
    abandoned = cache.folder / ".1.0-abc.x1.making"
    abandoned.mkdir(parents=True)
    other = cache.folder / ".2.0-abc.x1.making"
    other.mkdir()
    cache.obtain("1.0-abc", Maker())
    assert not abandoned.exists()
    assert other.exists()


def test_of_two_at_once_one_makes_and_the_other_waits(cache):
    started, may_end, waiting = threading.Event(), threading.Event(), threading.Event()
    maker = Maker()

    def slow(folder: Path) -> None:
        started.set()
        assert may_end.wait(10)
        maker(folder)

    first = threading.Thread(target=cache.obtain, args=("1.0-abc", slow))
    first.start()
    assert started.wait(10)
    second = threading.Thread(target=cache.obtain, args=("1.0-abc", maker, waiting.set))
    second.start()
    assert waiting.wait(10)
    may_end.set()
    for thread in (first, second):
        thread.join(10)
    assert maker.made == 1


def test_a_second_checkout_finds_the_same_folder(monkeypatch, tmp_path):
    monkeypatch.delenv("FORTRESS_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert default_root() == tmp_path / "living-fortress"
    monkeypatch.setenv("FORTRESS_CACHE", str(tmp_path / "elsewhere"))
    assert default_root() == tmp_path / "elsewhere"


def test_an_empty_entry_does_not_count_as_whole(cache):
    folder = cache.folder / "empty"
    folder.mkdir(parents=True)
    (folder / "manifest.json").write_text("{}")
    assert not Entry(folder).is_whole()
