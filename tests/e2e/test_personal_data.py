"""Text of a caller about an account: sealed in its database, readable by the API, gone after an erasure."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.e2e.conftest import Local
from tests.waiting import wait_until

pytestmark = [pytest.mark.engine, pytest.mark.servers, pytest.mark.xdist_group("local")]

WORDS = "unmistakable words"
ACCOUNT = "anna-of-personal-data"


def test_a_reason_is_sealed_exported_and_erased(local: Local) -> None:
    token = local.token()
    granted = local.request(
        "aws", "POST", f"/accounts/{ACCOUNT}/grants", token=token, json={"amount": 5, "reason": WORDS}
    )
    assert granted.status_code == 201, granted.text

    def reason(cloud: str) -> Any:
        answer = local.request(cloud, "GET", f"/accounts/{ACCOUNT}/statement", token=token)
        return answer.json()["lines"][0]["details"]["reason"]

    assert {reason(cloud) for cloud in ("aws", "azure", "gcp")} == {WORDS}
    shard = granted.json()["shard"]
    read = "select version from statement_lines where stream = %s"
    wait_until(lambda: local.rows(shard, read, ACCOUNT) == [(1,)], "the line of the grant in the read model")
    for table in ("events", "statement_lines"):
        [(text,)] = local.rows(shard, f"select data::text from {table} where stream = %s", ACCOUNT)
        assert "$sealed" in text
        assert "unmistakable" not in text

    [event] = json.loads(local.fortress("privacy", "export", ACCOUNT).stdout)["events"]
    assert event["data"]["reason"] == WORDS
    assert local.fortress("privacy", "erase", ACCOUNT, "--yes").stdout == f"{ACCOUNT} is erased: the key is destroyed\n"
    wait_until(lambda: reason("gcp") == {"erased": True}, "the end of the text in the statement")
    assert local.request("azure", "GET", f"/accounts/{ACCOUNT}", token=token).json()["balance"] == 5
    assert ACCOUNT in local.fortress("privacy", "erasures", "list").stdout
