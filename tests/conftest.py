"""Fixtures that every area shares: a sandbox of its own for a test."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

from localcloud.sandbox import Sandbox
from tests.machine import complain_of_full_disk, stop_passing_on_ignored_signals

# How long an example takes says how busy the machine is.
hypothesis.settings.register_profile("unhurried", deadline=None)
hypothesis.settings.load_profile("unhurried")


@pytest.fixture
def sandbox(monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    """A local sandbox that ends with the test: its servers are stopped and its folder is removed.

    It lies outside pytest's own folders, which nobody but their owner may pass through: as root, the databases run
    under an account of their own. Its path is short because a socket's path holds at most 107 bytes.
    """
    root = Path(tempfile.mkdtemp(prefix="lf-", dir="/tmp"))
    root.chmod(0o711 if os.geteuid() == 0 else 0o700)
    monkeypatch.setenv("LOCALCLOUD_HOME", str(root))
    sandbox = Sandbox.open(root)
    yield sandbox
    if (root / "supervisor").exists():
        from localcloud.supervision import Supervisor

        Supervisor(sandbox).shutdown()
    shutil.rmtree(root)


def pytest_sessionstart(session: pytest.Session) -> None:
    """Refuse a full disk in one line, and start every process of a test with the usual reactions to signals."""
    if complaint := complain_of_full_disk({Path("/tmp"), Path(tempfile.gettempdir())}):
        pytest.exit(complaint, returncode=pytest.ExitCode.USAGE_ERROR)
    if hasattr(session.config, "workerinput") or not session.config.getoption("numprocesses", None):
        stop_passing_on_ignored_signals()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest first, which run the engine: else one of them is what everybody waits for at the end."""
    items.sort(key=lambda item: "engine" not in item.keywords)
