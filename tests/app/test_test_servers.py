"""Servers of the tests: what one test leaves behind does not fail the next."""

from __future__ import annotations

import pytest

from .conftest import Postgres

pytestmark = pytest.mark.servers


def test_a_server_that_still_recovers_is_waited_for(answering: Postgres, monkeypatch: pytest.MonkeyPatch) -> None:
    answering.kill()
    with monkeypatch.context() as patch:
        patch.setattr(Postgres, "wait_until_ready", lambda _: None)
        answering.start()  # as a test would leave it that ended in the meantime
    assert not answering.ready
    answering.revive()
    assert answering.answers()
