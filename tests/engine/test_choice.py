"""Which engine is taken: PATH before the official installer before a build, and what is at hand before the network."""

from __future__ import annotations

import os
import time

import pytest

from tools.engine import Engine, EngineMissing, Origin, from_modules, install, official, on_path, version
from tools.engine.engine import engine_folder
from tools.gobuild import Entry


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """A machine with nothing on it: no Pulumi on PATH, an empty cache, no network."""
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    monkeypatch.setenv("FORTRESS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(official, "answers", lambda address: False)
    return tmp_path


@pytest.fixture
def place(machine):
    return machine / "checkout"


def script(path, says):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\necho {says}\n")
    path.chmod(0o755)
    return path


def pulumi_at(folder, says="v3.259.0", language_host=True):
    script(folder / "pulumi", says)
    if language_host:
        script(folder / "pulumi-language-python", "3.259.0")
    return folder


def official_engine(machine):
    entry = Entry(machine / "cache" / "engine" / official._key(version.pinned()))
    pulumi_at(entry.folder / "bin")
    entry.seal()
    return entry


def built_engine(machine):
    entry = Entry(machine / "cache" / "engine" / from_modules._key(from_modules.program()))
    pulumi_at(entry.folder / "bin", language_host=False)
    script(entry.folder / "bin" / from_modules.EXECUTOR, "")
    entry.seal()
    return entry


def on_search_path(monkeypatch, *folders):
    monkeypatch.setenv("PATH", os.pathsep.join([*map(str, folders), "/usr/bin", "/bin"]))


def test_pulumi_on_path_comes_first(machine, place, monkeypatch):
    official_engine(machine)
    built_engine(machine)
    on_search_path(monkeypatch, pulumi_at(machine / "usr" / "bin", "v3.260.1"))
    assert install(place) == Engine(bin=machine / "usr" / "bin", version="3.260.1", origin=Origin.PATH)


@pytest.mark.parametrize("says", ["v3.258.9", "v2.999.0", "v4.0.0", "rubbish", ""])
def test_pulumi_that_does_not_fit_is_passed_over(machine, place, monkeypatch, says):
    on_search_path(monkeypatch, pulumi_at(machine / "old" / "bin", says), pulumi_at(machine / "new" / "bin"))
    assert install(place).bin == machine / "new" / "bin"


def test_pulumi_without_a_python_language_host_is_passed_over(machine, place, monkeypatch):
    built_engine(machine)
    on_search_path(monkeypatch, pulumi_at(machine / "usr" / "bin", language_host=False))
    assert install(place).origin == Origin.MODULES


def test_an_engine_that_setup_itself_put_on_path_is_no_find(machine, place, monkeypatch):
    built_engine(machine)
    ours = install(place)
    on_search_path(monkeypatch, ours.bin)
    assert install(place) == ours
    assert on_path.find(place) is None


def test_a_folder_of_another_name_gets_a_bin(machine, place, monkeypatch):
    on_search_path(monkeypatch, pulumi_at(machine / "opt" / "pulumi"))
    engine = install(place)
    assert engine.bin == place / "bin"
    assert engine.pulumi.resolve() == machine / "opt" / "pulumi" / "pulumi"


def test_the_official_engine_comes_before_a_built_one(machine, place):
    entry = official_engine(machine)
    built_engine(machine)
    assert install(place) == Engine(bin=entry.folder / "bin", version=version.pinned(), origin=Origin.INSTALLER)


def test_with_a_built_engine_at_hand_nobody_asks_the_network(machine, place, monkeypatch):
    built_engine(machine)
    monkeypatch.setattr(official, "answers", lambda address: pytest.fail("asked the network"))
    assert install(place).origin == Origin.MODULES


def test_without_network_the_engine_is_built(machine, place, monkeypatch):
    monkeypatch.setattr(from_modules, "install", lambda folder: from_modules._assembled(built_engine(machine), folder))
    said = []
    assert install(place, said.append).origin == Origin.MODULES
    assert said == ["Pulumi engine: the official download site does not answer; building it from Go modules instead"]


def test_with_network_the_official_installer_is_used(machine, place, monkeypatch):
    monkeypatch.setattr(official, "answers", lambda address: True)
    monkeypatch.setattr(official, "_run_installer", lambda folder, release: pulumi_at(folder / "bin", f"v{release}"))
    engine = install(place)
    assert engine.origin == Origin.INSTALLER
    assert official.cached(version.pinned()) == engine


def test_an_installer_that_fails_is_followed_by_a_build(machine, place, monkeypatch):
    monkeypatch.setattr(official, "answers", lambda address: True)
    monkeypatch.setattr(official, "INSTALL", "raise SystemExit('no curl on this machine')")
    monkeypatch.setattr(from_modules, "install", lambda folder: from_modules._assembled(built_engine(machine), folder))
    said = []
    assert install(place, said.append).origin == Origin.MODULES
    assert "the official installer failed: no curl on this machine" in said[0]
    assert official.cached(version.pinned()) is None


def test_a_damaged_official_engine_is_not_used(machine, place):
    (official_engine(machine).folder / "bin" / "pulumi").write_text("half")
    assert official.cached(version.pinned()) is None


def test_a_silent_site_costs_seconds_only():
    before = time.monotonic()
    assert not official.answers("http://127.0.0.1:9/", seconds=0.5)
    assert not official.answers("no address at all", seconds=0.5)
    assert time.monotonic() - before < 5


def test_the_checkout_gets_a_bin_folder_of_its_own(machine, place):
    entry = built_engine(machine)
    engine = install(place)
    assert engine.bin == place / "bin"
    assert engine.root == place
    assert engine.pulumi.samefile(entry.folder / "bin" / "pulumi")
    assert sorted(path.name for path in engine.bin.iterdir()) == [
        "pulumi",
        "pulumi-language-python",
        "pulumi-language-python-exec",
        "pulumi-resource-pulumi-python",
    ]


def test_a_copy_serves_where_a_second_name_is_impossible(machine, place, monkeypatch):
    entry = built_engine(machine)

    def refuse(self, target):
        raise OSError("another file system")

    monkeypatch.setattr("pathlib.Path.hardlink_to", refuse)
    engine = install(place)
    assert not engine.pulumi.samefile(entry.folder / "bin" / "pulumi")
    assert engine.pulumi.read_text() == (entry.folder / "bin" / "pulumi").read_text()
    assert os.access(engine.pulumi, os.X_OK)


def test_the_record_is_what_locate_reads(machine, place):
    built_engine(machine)
    engine = install(place)
    assert Engine.recorded(place) == engine


@pytest.mark.parametrize("record", [None, "", "{", "[]", '{"bin": "/nowhere", "version": "3.259.0"}'])
def test_without_a_usable_record_the_user_is_told_to_run_setup(place, record):
    place.mkdir()
    if record is not None:
        (place / "engine.json").write_text(record)
    with pytest.raises(EngineMissing, match="run `make setup`"):
        Engine.recorded(place)


def test_an_engine_that_has_left_the_machine_is_missing(machine, place):
    built_engine(machine)
    install(place).pulumi.unlink()
    with pytest.raises(EngineMissing, match=r"is gone from .*: run `make setup`"):
        Engine.recorded(place)


def test_the_environment_puts_the_engine_first(tmp_path):
    engine = Engine(bin=tmp_path / "bin", version="3.259.0", origin=Origin.PATH)
    made = engine.environment({"PATH": "/usr/bin", "HOME": "/root"})
    assert made["PATH"].split(":") == [str(tmp_path / "bin"), str(engine_folder().parent / "bin"), "/usr/bin"]
    assert made["HOME"] == "/root"
    assert made["FORTRESS_PYTHON"] == str(engine_folder().parent / "bin" / "python")
