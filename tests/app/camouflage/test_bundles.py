"""Bundles of fake customers: whole, believable, and each of their names betrays who reads it."""

from __future__ import annotations

import csv
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from app.camouflage.bundle import create_bundle
from app.canaries import credentials
from app.canaries.credentials import Bearer
from app.canaries.errors import ImpossibleBundle
from app.canaries.key import CamouflageKey
from app.canaries.tokens import Canaries, Kind
from cli.main import app

KEY = CamouflageKey(bytes(range(32)), ["mail.bluewillow-post.com"], {"US": ["(646) 555-##7#"]})
BEARER = Bearer("https://issuer.example", "ledger", ["credits:read"])
NOW = datetime(2026, 11, 20, tzinfo=UTC)


def test_every_name_of_a_customer_tells_the_same_place_and_row() -> None:
    canaries = Canaries(KEY)
    for index, row in enumerate(create_bundle(KEY, 9, 300, BEARER, NOW).dicts()):
        [account] = canaries.find(row["id"].encode())
        [email] = canaries.find(row["email"].encode())
        [credential] = credentials.find(canaries, row["api_token"].encode())
        assert (account.kind, account.place, account.index) == (Kind.ACCOUNT, 9, index)
        assert (email.kind, email.place) == (Kind.EMAIL, 9)
        assert (credential.kind, credential.place, credential.index) == (Kind.CREDENTIAL, 9, index)
        assert row["email"].startswith(row["user_name"].rstrip("0123456789"))


def test_a_bundle_is_reproducible_and_shares_nothing_with_another_place() -> None:
    def names(rows: int, place: int = 9) -> list[tuple[str, str, str]]:
        return [(row["id"], row["email"], row["phone"]) for row in create_bundle(KEY, place, rows, BEARER, NOW).dicts()]

    assert names(50) == names(50)
    assert not {row[0] for row in names(50)} & {row[0] for row in names(50, place=8)}


def test_telephones_are_those_of_the_operator() -> None:
    phones = [row["phone"] for row in create_bundle(KEY, 9, 300, BEARER, NOW).dicts() if row["country"] == "US"]
    assert all(phone is None or phone.startswith("+1646555") for phone in phones)


def test_a_place_that_no_token_has_room_for_is_refused() -> None:
    with pytest.raises(ImpossibleBundle, match="from 0 to 99"):
        create_bundle(KEY, 100, 1, BEARER, NOW)


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    made = CliRunner().invoke(app, ["decoy", "key", str(tmp_path / "key.json"), "--domain", "mail.example.com"])
    assert made.exit_code == 0, made.output
    for name, value in {
        "CANARY_KEY": str(tmp_path / "key.json"),
        "OIDC_ISSUER": "https://issuer.example",
        "OIDC_AUDIENCE": "ledger",
    }.items():
        monkeypatch.setenv(f"FORTRESS_CAMOUFLAGE_{name}", value)
    return tmp_path


def test_a_bundle_is_written_as_a_file(environment: Path) -> None:
    out = environment / "customers.csv"
    result = CliRunner().invoke(app, ["decoy", "bundle", "--rows", "20", "--place", "3", "--out", str(out), "--json"])
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["rows"] == 20
    rows = list(csv.DictReader(out.read_text().splitlines()))
    canaries = Canaries(CamouflageKey.read(environment / "key.json"))
    assert [canary.index for row in rows for canary in canaries.find(row["id"].encode())] == list(range(20))


def test_a_setting_that_is_missing_is_named_as_it_is_to_be_set(
    environment: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("FORTRESS_CAMOUFLAGE_CANARY_KEY")
    result = CliRunner().invoke(app, ["decoy", "bundle", "--out", str(environment / "x.csv")])
    assert str(result.exception) == "FORTRESS_CAMOUFLAGE_CANARY_KEY is not set"
