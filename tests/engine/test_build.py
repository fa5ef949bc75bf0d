"""A build from Go modules, with a fake go command."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tools.actionlint import __main__ as actionlint
from tools.engine import __main__ as engine_command
from tools.engine import official
from tools.gobuild import BuildFailed, Cache, Entry, NoGoToolchain, Program

GO = """\
#!/bin/sh
case "$1 $2" in
  "version ") echo "go version go1.26.1 linux/amd64" ;;
  "list -m") echo {modules}/sdk ;;
  "list -deps") echo "go: downloading a v1" >&2; echo a; echo b ;;
  "build -v") echo a >&2; echo b >&2; shift 3; {compile} ;;
esac
"""
PROGRAM = 'printf \'#!/bin/sh\\nexit 7\\n\' > "$1"; chmod +x "$1"'


@pytest.fixture
def modules(tmp_path):
    folder = tmp_path / "modules"
    (folder / "sdk").mkdir(parents=True)
    (folder / "sdk" / "companion").write_text("beside it")
    (folder / "go.mod").write_text("module example.org/tool\n\ngo 1.26\n\nrequire example.org/tool/sdk v1.2.3\n")
    (folder / "go.sum").write_text("")
    return folder


@pytest.fixture
def program(modules, tmp_path, monkeypatch):
    set_go(tmp_path, monkeypatch, modules, PROGRAM)
    return Program(
        name="tool",
        modules=modules,
        package="example.org/tool/cmd",
        companions=(("example.org/tool/sdk", "companion"),),
    )


def set_go(tmp_path, monkeypatch, modules, compile_with):
    command = tmp_path / "go-bin" / "go"
    command.parent.mkdir(exist_ok=True)
    command.write_text(GO.format(modules=modules, compile=compile_with))
    command.chmod(0o755)
    monkeypatch.setenv("PATH", f"{command.parent}:/usr/bin:/bin")


def test_a_program_and_its_companions_are_built_once(program, tmp_path, capsys):
    cache = Cache(tmp_path / "cache")
    folder = program.obtain(cache, "1.2.3").folder
    assert sorted(path.name for path in (folder / "bin").iterdir()) == ["companion", "tool"]
    assert (folder / "bin" / "companion").stat().st_mode & 0o111
    assert "Building tool from Go modules: done" in capsys.readouterr().err
    program.obtain(cache, "1.2.3")
    assert capsys.readouterr().err == ""


def test_a_failed_build_shows_the_end_of_what_go_said(program, modules, tmp_path, monkeypatch):
    set_go(tmp_path, monkeypatch, modules, "echo 'no space left on device' >&2; exit 1")
    with pytest.raises(BuildFailed, match="go build of tool failed:\n") as failed:
        program.obtain(Cache(tmp_path / "cache"), "1.2.3")
    assert str(failed.value).splitlines()[-1] == "no space left on device"


def test_the_fingerprint_names_what_is_built(program, modules):
    before = program.fingerprint
    assert program.fingerprint == before
    (modules / "go.sum").write_text("other")
    assert program.fingerprint != before


def test_actionlint_is_built_and_its_verdict_passed_on(program, tmp_path, monkeypatch):
    monkeypatch.setenv("FORTRESS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(sys, "argv", ["actionlint"])
    assert actionlint.main() == 7


def test_a_machine_without_go_hears_it_in_a_line(monkeypatch, capsys):
    def no_go(self, cache, key):
        raise NoGoToolchain("no Go here")

    monkeypatch.setattr(Program, "obtain", no_go)
    assert actionlint.main() == 1
    assert capsys.readouterr().err == "actionlint: no Go here\n"


def test_the_engine_command_says_what_it_chose_or_why_it_could_not(monkeypatch, capsys):
    def out_of_luck():
        raise BuildFailed("go build failed")

    monkeypatch.setattr(engine_command, "install", out_of_luck)
    assert engine_command.main() == 1
    assert capsys.readouterr().err == "Pulumi engine: go build failed\n"


def test_an_installation_that_hangs_is_given_up(tmp_path, monkeypatch):
    def hang(command, **options):
        raise subprocess.TimeoutExpired(command, options["timeout"])

    monkeypatch.setattr(subprocess, "run", hang)
    with pytest.raises(official.OfficialUnavailable, match="took more than 300 s"):
        official._run_installer(tmp_path, "3.259.0")


def test_the_sealed_entry_tells_its_files(tmp_path):
    (tmp_path / "file").write_text("x")
    Entry(tmp_path).seal()
    assert Entry(tmp_path).is_whole()
