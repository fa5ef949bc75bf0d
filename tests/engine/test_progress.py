"""The progress line: plain lines now and then in a log, one living line in a terminal."""

from __future__ import annotations

import io
import threading

import pytest

from tools.gobuild import Progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Log(io.StringIO):
    """Tells when a text has been written."""

    def __init__(self, awaited: str) -> None:
        super().__init__()
        self.awaited = awaited
        self.seen = threading.Event()

    def write(self, text: str) -> int:
        if self.awaited in text:
            self.seen.set()
        return super().write(text)


def test_a_log_gets_a_line_now_and_then():
    log = Log("7 of 9")
    with Progress("Building", log, plain_interval=0.01) as progress:
        progress.say("7 of 9")
        assert log.seen.wait(5)
    lines = log.getvalue().splitlines()
    assert lines[0] == "Building … (0:00)"
    assert lines[-1] == "Building: done (0:00)"


def test_a_short_step_writes_two_lines_only():
    log = io.StringIO()
    with Progress("Building", log) as progress:
        for number in range(100):
            progress.say(str(number))
    assert log.getvalue() == "Building … (0:00)\nBuilding: done (0:00)\n"


def test_a_terminal_keeps_one_line():
    terminal = Terminal()
    with Progress("Building", terminal):
        pass
    assert terminal.getvalue().count("\n") == 1
    assert terminal.getvalue().startswith("\r")


def test_a_failed_step_does_not_say_done():
    log = io.StringIO()
    progress = Progress("Building", log)
    progress.say("3 of 9")
    with pytest.raises(RuntimeError), progress:
        raise RuntimeError
    assert log.getvalue().splitlines()[-1] == "Building: 3 of 9 (0:00)"
