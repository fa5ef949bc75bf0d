"""`make setup` before anything is installed: what it does once, what it does again, and how it fails."""

from __future__ import annotations

import fcntl
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tools import setup


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """An empty checkout; commands are noted, not run."""
    venv = tmp_path / ".venv"
    for name, path in {
        "CHECKOUT": tmp_path,
        "VENV": venv,
        "PYTHON": venv / "bin" / "python",
        "UV": venv / "bin" / "uv",
        "STAMPS": venv / "stamps",
        "BOOTSTRAP": tmp_path / "bootstrap.txt",
        "LOCKED": tmp_path / "locked.txt",
    }.items():
        monkeypatch.setattr(setup, name, path)
    for name in ("bootstrap.txt", "locked.txt", "pyproject.toml", "runtime.in"):
        (tmp_path / name).write_text(name)
    return tmp_path


@pytest.fixture
def commands(checkout, monkeypatch):
    """What setup would run; making the virtual environment makes its folder."""
    noted = []

    def note(command):
        noted.append([str(part) for part in command])
        if "venv" in command:
            (checkout / ".venv" / "bin").mkdir(parents=True)
            (checkout / ".venv" / "bin" / "python").symlink_to(sys.executable)

    monkeypatch.setattr(setup, "run", note)
    monkeypatch.setattr(setup, "install_engine", lambda: noted.append(["engine"]))
    monkeypatch.setattr(setup, "WHOLE_VENV", "pass")
    return noted


def test_the_first_run_does_everything_in_order(commands):
    assert setup.main() == 0
    assert [command[1:4] for command in commands[:-1]] == [
        ["-m", "venv", str(setup.VENV)],
        ["-m", "pip", "install"],
        ["pip", "install", "--python"],
        ["pip", "install", "--python"],
    ]
    assert commands[-1] == ["engine"]
    assert all("--require-hashes" in command for command in commands[1:3])
    assert "--editable" in commands[3]


def test_the_second_run_looks_at_the_engine_only(commands):
    setup.main()
    commands.clear()
    assert setup.main() == 0
    assert commands == [["engine"]]


def test_a_changed_lock_installs_packages_only(commands, checkout):
    setup.main()
    commands.clear()
    (checkout / "locked.txt").write_text("one more")
    setup.main()
    assert [command[-1] for command in commands] == [str(checkout / "locked.txt"), "engine"]


def test_a_step_that_failed_is_done_again(commands, checkout, monkeypatch, capsys):
    def fail(command):
        raise setup.SetupFailed("this failed: uv\nno route to the index")

    with monkeypatch.context() as broken:
        broken.setattr(setup, "install_packages", lambda: fail([]))
        assert setup.main() == 1
    assert capsys.readouterr().err == "setup: this failed: uv\nno route to the index\n"
    commands.clear()
    assert setup.main() == 0
    assert str(checkout / "locked.txt") in commands[0]


def test_a_half_made_virtual_environment_is_made_anew(commands, checkout, monkeypatch):
    setup.main()
    monkeypatch.setattr(setup, "WHOLE_VENV", "import no_such_module")
    commands.clear()
    setup.main()
    assert commands[0][1:3] == ["-m", "venv"]
    assert len(commands) == 5


def test_an_old_python_is_told_what_is_needed(commands, monkeypatch, capsys):
    monkeypatch.setattr(setup, "MINIMUM_PYTHON", (99, 0))
    assert setup.main() == 1
    assert "Python 3.11 or newer is needed" in capsys.readouterr().err
    assert commands == []


def test_a_python_without_venv_is_told_what_to_install(commands, monkeypatch, capsys):
    monkeypatch.setattr(setup, "succeeds", lambda command: False)
    assert setup.main() == 1
    assert "apt-get install python3-venv" in capsys.readouterr().err


def test_a_checkout_of_somebody_else_is_refused(commands, monkeypatch, capsys):
    monkeypatch.setattr("os.access", lambda path, mode: False)
    assert setup.main() == 1
    assert "this user cannot write to" in capsys.readouterr().err


def test_an_interrupt_is_one_line(commands, monkeypatch, capsys):
    def interrupt():
        raise KeyboardInterrupt

    monkeypatch.setattr(setup, "make_venv", interrupt)
    assert setup.main() == 130
    assert capsys.readouterr().err == "\nsetup: interrupted; the next run goes on from here\n"


def test_of_two_at_once_the_second_waits(commands, monkeypatch):
    waiting = threading.Event()
    monkeypatch.setattr("builtins.print", lambda *words, **_: "waiting" in words[0] and waiting.set())
    with Path(setup.__file__).open() as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        second = threading.Thread(target=setup.main)
        second.start()
        assert waiting.wait(10)
        assert commands == []
    second.join(10)
    assert commands[-1] == ["engine"]


def test_a_failed_command_shows_itself_and_the_end_of_what_it_said(checkout):
    script = "for number in range(50): print('line', number)\nraise SystemExit(1)"
    with pytest.raises(setup.SetupFailed) as failed:
        setup.run([sys.executable, "-c", script])
    lines = str(failed.value).splitlines()
    assert lines[0].startswith("this failed: ")
    assert lines[-setup.SHOWN_LINES :] == [f"line {number}" for number in range(30, 50)]


def test_an_engine_that_cannot_be_had_fails_the_setup(checkout, monkeypatch):
    def no_engine(*_, **__):
        return subprocess.CompletedProcess([], 1)

    monkeypatch.setattr(subprocess, "run", no_engine)
    with pytest.raises(setup.SetupFailed, match="engine could not be brought"):
        setup.install_engine()


def test_mirrors_named_for_pip_go_for_uv_too(monkeypatch):
    monkeypatch.setenv("PIP_INDEX_URL", "https://mirror.example.org/simple")
    monkeypatch.delenv("UV_DEFAULT_INDEX", raising=False)
    monkeypatch.setenv("PYTHONPATH", "/odd")
    made = setup.installer_environment()
    assert made["UV_DEFAULT_INDEX"] == "https://mirror.example.org/simple"
    assert "PYTHONPATH" not in made
