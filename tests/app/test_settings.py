"""Settings from the environment: what is wrong is said in one line that names the variable."""

from __future__ import annotations

import os

import pytest

from app.settings import CommonSettings, ServeSettings, WrongSetting, load

GOOD = {
    "FORTRESS_CLOUD": "aws",
    "FORTRESS_OIDC_ISSUER": "https://issuer.example.com",
    "FORTRESS_OIDC_AUDIENCE": "ledger",
    "FORTRESS_MASTER_KEY": "file:/etc/fortress/master-key.json",
}


@pytest.fixture(autouse=True)
def good_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("FORTRESS_"):
            monkeypatch.delenv(name)
    for name, value in GOOD.items():
        monkeypatch.setenv(name, value)


def test_defaults_fit_the_container() -> None:
    settings = load(ServeSettings)
    assert (settings.host, settings.port) == ("127.0.0.1", 8440)
    assert str(settings.directory) == "/etc/fortress/directory.json"


def test_what_is_chosen_comes_before_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORTRESS_PORT", "1234")
    assert load(ServeSettings, port=99, host=None).port == 99


@pytest.mark.parametrize(
    ("name", "value", "line"),
    [
        ("FORTRESS_PORT", "http", "FORTRESS_PORT=http: input should be a valid integer"),
        ("FORTRESS_PORT", "65536", "FORTRESS_PORT=65536: input should be less than or equal to 65535"),
        ("FORTRESS_CLOUD", "ibm", "FORTRESS_CLOUD=ibm: input should be 'aws', 'azure' or 'gcp'"),
        ("FORTRESS_OIDC_ISSUER", "http://plain", "FORTRESS_OIDC_ISSUER=http://plain: string should match pattern"),
        ("FORTRESS_OIDC_JWKS_URI", "ftp://keys", "FORTRESS_OIDC_JWKS_URI=ftp://keys: string should match pattern"),
        ("FORTRESS_LOG_LEVEL", "loud", "FORTRESS_LOG_LEVEL=loud: input should be 'debug'"),
        ("FORTRESS_MASTER_KEY", "key", "FORTRESS_MASTER_KEY=key: string should match pattern"),
        ("FORTRESS_POOL_SIZE", "0", "FORTRESS_POOL_SIZE=0: input should be greater than or equal to 1"),
        ("FORTRESS_ENVIRONMENT", "Prod!", "FORTRESS_ENVIRONMENT=Prod!: string should match pattern"),
    ],
)
def test_a_wrong_value_is_one_line(monkeypatch: pytest.MonkeyPatch, name: str, value: str, line: str) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(WrongSetting) as caught:
        load(ServeSettings)
    assert str(caught.value).startswith(line)
    assert "\n" not in str(caught.value)


def test_a_missing_variable_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FORTRESS_CLOUD")
    with pytest.raises(WrongSetting, match=r"^FORTRESS_CLOUD is not set$"):
        load(CommonSettings)


def test_each_wrong_variable_has_its_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FORTRESS_OIDC_AUDIENCE")
    monkeypatch.setenv("FORTRESS_PORT", "x")
    with pytest.raises(WrongSetting) as caught:
        load(ServeSettings)
    assert [line.split("=")[0].split(" ")[0] for line in str(caught.value).splitlines()] == [
        "FORTRESS_PORT",
        "FORTRESS_OIDC_AUDIENCE",
    ]


def test_migrations_need_no_issuer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FORTRESS_OIDC_ISSUER")
    assert load(CommonSettings, cloud="gcp").cloud == "gcp"
