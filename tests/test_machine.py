"""What the tests need of the machine and of the shell that starts them."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.machine import complain_of_full_disk

CHECKOUT = Path(__file__).parents[1]


def test_a_nearly_full_disk_is_named_in_one_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for free, complaint in ((5.1e9, None), (4.9e9, f"{tmp_path} has 4.9 GB free; the tests need 5: make room there")):
        monkeypatch.setattr(shutil, "disk_usage", lambda _, free=free: SimpleNamespace(free=free))
        assert complain_of_full_disk([tmp_path]) == complaint


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
def test_an_ignored_signal_is_not_passed_on(number: signal.Signals) -> None:
    child = "import signal, sys; print(signal.getsignal(int(sys.argv[1])) is signal.SIG_IGN)"
    parent = f"""
import os, signal, subprocess, sys
signal.signal({number}, signal.SIG_IGN)
command = [sys.executable, "-c", {child!r}, "{number}"]
print(subprocess.run(command, capture_output=True, text=True).stdout.strip())
from tests.machine import stop_passing_on_ignored_signals
stop_passing_on_ignored_signals()
os.kill(os.getpid(), {number})
print(subprocess.run(command, capture_output=True, text=True).stdout.strip())
"""
    answer = subprocess.run([sys.executable, "-c", parent], cwd=CHECKOUT, capture_output=True, text=True, check=True)
    assert answer.stdout.split() == ["True", "False"]
