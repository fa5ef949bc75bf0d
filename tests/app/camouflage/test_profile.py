"""A decoy that stands elsewhere takes as long as the ledger and fails as often, if it is told to."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from app.api import create_app
from app.api.telemetry import Metrics
from app.camouflage.application import create_decoy
from app.camouflage.errors import WrongProfile
from app.camouflage.profile import OPERATIONS, Paced, Profile, RouteProfile, measure_profile, read_profile
from app.camouflage.settings import CamouflageSettings
from app.canaries.key import CamouflageKey
from app.settings import ServeSettings
from app.topology import Directory
from cli.main import app
from tests.app.camouflage.conftest import account_of, running, token_of
from tests.app.conftest import Postgres

BALANCE = "GET /accounts/{account}"


def exposition(*seconds: float, failed: int = 0) -> str:
    metrics = Metrics(version="1", environment="test", cloud="aws", pools=dict)
    for number, each in enumerate(seconds):
        metrics.observe("GET", "/accounts/{account}", 503 if number < failed else 200, each)
    return metrics.exposition().decode()


def test_a_profile_tells_times_and_failures_of_the_metrics() -> None:
    route = measure_profile([exposition(*[0.002] * 60, failed=6), exposition(*[0.02] * 60)]).routes[BALANCE]
    assert route.failures == 0.05
    assert 0.001 <= route.seconds(0.25) <= 0.0025
    assert 0.01 <= route.seconds(0.75) <= 0.025


@given(st.lists(st.floats(0.0001, 4.9), min_size=100, max_size=150), st.floats(0, 1))
def test_a_time_that_is_drawn_is_in_the_bucket_of_one_that_was_seen(seconds: list[float], share: float) -> None:
    route = measure_profile([exposition(*seconds)]).routes[BALANCE]
    drawn = route.seconds(share)
    high = next(bound for bound in route.bounds[1:] if drawn <= bound)
    low = route.bounds[route.bounds.index(high) - 1]
    assert any(low <= each <= high for each in seconds) or drawn in (0.0, low, high)
    assert route.seconds(0) <= drawn <= route.seconds(1)


def test_what_was_used_too_little_has_no_profile() -> None:
    with pytest.raises(WrongProfile, match="100 requests"):
        measure_profile([exposition(*[0.01] * 99)])
    with pytest.raises(WrongProfile, match="no metrics"):
        measure_profile(["fortress_http_requests_total{ 5"])


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "Invalid JSON"),
        ('{"routes": {"GET /x": {"bounds": [0, 1], "shares": [0]}}}', "one length"),
        ('{"routes": {"GET /x": {"bounds": [1, 0], "shares": [0, 1]}}}', "bounds do not rise"),
        ('{"routes": {"GET /x": {"bounds": [0, 1], "shares": [0, 2]}}}', "less than or equal to 1"),
    ],
)
def test_a_wrong_profile_is_refused(tmp_path: Path, text: str, why: str) -> None:
    (tmp_path / "profile.json").write_text(text)
    with pytest.raises(WrongProfile, match=why):
        read_profile(tmp_path / "profile.json")


@pytest.mark.parametrize(("taken", "waited"), [(0.0, 0.04), (0.03, 0.01), (0.2, 0.0)])
async def test_an_answer_waits_for_what_is_left_of_its_time(
    monkeypatch: pytest.MonkeyPatch, taken: float, waited: float
) -> None:
    clock, slept = [0.0], []

    async def application(scope: Any, receive: Any, send: Any) -> None:
        scope["fortress.route"] = "/accounts/{account}"
        clock[0] += taken
        await send({"type": "http.response.start"})
        await send({"type": "http.response.body"})

    async def sleep(seconds: float) -> None:
        slept.append(round(seconds, 6))

    async def send(message: Any) -> None:
        pass

    monkeypatch.setattr(asyncio, "sleep", sleep)
    profile = Profile(routes={BALANCE: RouteProfile(bounds=[0.04, 0.04], shares=[0, 1])})
    paced = Paced(application, profile, draw=lambda: 0.5, now=lambda: clock[0])
    await paced({"type": "http", "method": "GET"}, None, send)  # type: ignore[arg-type]
    assert slept == [waited]


@pytest.mark.servers
async def test_every_operation_of_the_ledger_has_a_route(settings: ServeSettings, migrated: Directory) -> None:
    described = create_app(settings, migrated).openapi()["paths"]
    routes = {f"{method.upper()} {path}" for path, methods in described.items() for method in methods}
    assert {route for route in routes if not route.endswith(("/healthz", "/readyz", "/metrics"))} == set(OPERATIONS)


@pytest.mark.servers
async def test_a_decoy_fails_as_often_as_the_ledger_and_in_its_words(
    decoy_settings: CamouflageSettings, decoys: Directory, operator_key: CamouflageKey, postgres: Postgres
) -> None:
    route = RouteProfile(bounds=[0, 0.0001], shares=[0, 1], failures=1)
    profile = Profile(routes={"GET /accounts/{account}/statement": route})
    account, headers = account_of(operator_key, 1), token_of(postgres, "mallory")
    async with running(create_decoy(operator_key, decoy_settings, decoys, profile=profile)) as decoy:
        failed: httpx.Response = await decoy.get(f"/accounts/{account}/statement", headers=headers)
        assert (await decoy.get(f"/accounts/{account}", headers=headers)).status_code == 200
    assert (failed.status_code, failed.headers["Retry-After"]) == (503, "1")
    assert failed.json()["detail"] == (
        f"the database of shard {decoys.place_of(account).shard} is not available;"
        " repeat the request with its idempotency key"
    )


def test_a_profile_is_measured_by_command(tmp_path: Path) -> None:
    (tmp_path / "metrics.txt").write_text(exposition(*[0.002] * 200))
    out = tmp_path / "profile.json"
    result = CliRunner().invoke(app, ["decoy", "profile", str(tmp_path / "metrics.txt"), "--out", str(out)])
    assert result.exit_code == 0, result.output
    assert "GET /accounts/{account}: half within 1.8 ms, 0.00% fail" in result.output
    assert set(read_profile(out).routes) == {BALANCE}
