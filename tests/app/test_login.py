"""Logging in to databases, with clouds that are played."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import types
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from app.database import (
    CertificateLogin,
    LoginRefused,
    Role,
    Token,
    TokenLogin,
    admin_login,
    app_login,
    cloud_tokens,
    connection,
    connection_parameters,
)
from app.topology import Shard

SECRET = "s3cret-token"


def shard(home: str = "aws", **more: Any) -> Shard:
    logins = {"aws": ("aws-iam", "aws-secret"), "azure": ("azure-entra",) * 2, "gcp": ("gcp-iam",) * 2}[home]
    return Shard.model_validate(
        {
            "name": f"{home}-0",
            "home": home,
            "region": "eu-central-1",
            "host": "db.example.com",
            "database": "ledger",
            "slots": [[0, 4095]],
            "app": {"user": "ledger", "login": logins[0]},
            "admin": {"user": "migrator", "login": logins[1], "secret": "arn:aws:secretsmanager:…:secret:rds"},
            **more,
        }
    )


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith(("PG", "AWS_", "AZURE_", "GOOGLE_")):
            monkeypatch.delenv(name)


class Clock:
    now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


def test_a_client_certificate_is_the_login_whatever_the_directory_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGSSLCERT", "/certificates/ledger.crt")
    for home in ("aws", "azure", "gcp"):
        assert isinstance(app_login(shard(home)), CertificateLogin)
        assert isinstance(admin_login(shard(home)), CertificateLogin)
        assert "password" not in connection_parameters(shard(home), Role.APP, app_login(shard(home)))


def test_a_token_is_used_again_until_shortly_before_its_end() -> None:
    clock, fetched = Clock(), []

    def fetch() -> Token:
        fetched.append(clock.now)
        return Token(f"token-{len(fetched)}", clock.now + 900)

    login = TokenLogin(fetch, now=clock)
    assert login.password() == login.password() == "token-1"
    clock.now += 779
    assert login.password() == "token-1"
    clock.now += 2
    assert login.password() == "token-2"


def test_a_token_shows_in_no_representation() -> None:
    assert SECRET not in repr(Token(SECRET, 0.0))


def test_every_connection_is_encrypted_to_a_verified_server(monkeypatch: pytest.MonkeyPatch) -> None:
    login = TokenLogin(lambda: Token(SECRET, 1e12))
    parameters = connection_parameters(shard(address="10.0.0.5", port=6432), Role.ADMIN, login)
    assert parameters["sslmode"] == "verify-full"
    assert parameters["sslrootcert"] == "system"
    assert parameters["user"] == "migrator"
    assert parameters["password"] == SECRET
    assert (parameters["host"], parameters["hostaddr"], parameters["port"]) == ("db.example.com", "10.0.0.5", 6432)
    monkeypatch.setenv("PGSSLROOTCERT", "/certificates/ca.crt")
    assert "sslrootcert" not in connection_parameters(shard(), Role.APP, login)
    assert "port" not in connection_parameters(shard(), Role.APP, login)


def test_the_shards_own_authority_comes_before_the_images(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(connection, "CERTIFICATE_AUTHORITIES", tmp_path)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    (tmp_path / "aws.pem").write_text("the image's")
    assert connection.root_certificates(shard()) == str(tmp_path / "aws.pem")
    own = connection.root_certificates(shard(authority="the shard's"))
    assert own is not None
    assert Path(own).read_text() == "the shard's"
    assert connection.root_certificates(shard(authority="the shard's")) == own


def test_the_aws_token_is_what_the_sdk_itself_would_make(monkeypatch: pytest.MonkeyPatch) -> None:
    from botocore.session import Session

    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "example")
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    with mock.patch("botocore.auth.get_current_datetime", return_value=moment.replace(tzinfo=None)):
        made = cloud_tokens.rds_token(shard())
        expected = (
            Session()
            .create_client("rds", region_name="eu-central-1")
            .generate_db_auth_token("db.example.com", 5432, "ledger")
        )
    assert made.value == expected
    assert made.value.startswith("db.example.com:5432/?Action=connect&DBUser=ledger&")


def test_the_aws_administrator_logs_in_with_the_managed_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    class SecretsManager:
        def get_secret_value(self, **arguments: str) -> dict[str, str]:
            asked.append(arguments)
            return {"SecretString": f'{{"username": "migrator", "password": "{SECRET}"}}'}

    with mock.patch("botocore.session.Session.create_client", return_value=SecretsManager()):
        assert admin_login(shard()).password() == SECRET
    assert asked == [{"SecretId": "arn:aws:secretsmanager:…:secret:rds"}]


def test_without_aws_credentials_the_refusal_says_so() -> None:
    with (
        mock.patch("botocore.session.Session.get_credentials", return_value=None),
        pytest.raises(LoginRefused, match="no credentials"),
    ):
        cloud_tokens.rds_token(shard())


def test_azure_logs_in_as_the_workload_identity() -> None:
    class Credential:
        def get_token(self, scope: str) -> Any:
            assert scope == "https://ossrdbms-aad.database.windows.net/.default"
            return types.SimpleNamespace(token=SECRET, expires_on=1234)

    cloud_tokens._azure_credential.cache_clear()
    with mock.patch("azure.identity.WorkloadIdentityCredential", Credential):
        assert cloud_tokens.entra_token(shard("azure")) == Token(SECRET, 1234)
    cloud_tokens._azure_credential.cache_clear()


def test_a_refusal_of_azure_names_the_shard() -> None:
    cloud_tokens._azure_credential.cache_clear()
    with pytest.raises(LoginRefused, match="no token for azure-0"):
        cloud_tokens.entra_token(shard("azure"))


def test_gcp_logs_in_with_an_access_token_for_cloud_sql_only() -> None:
    expiry = datetime.now(UTC).replace(tzinfo=None) + timedelta(hours=1)

    class Credentials:
        token: str | None = None
        expiry: datetime | None = None

        def refresh(self, request: object) -> None:
            self.token, self.expiry = SECRET, expiry

    with mock.patch("google.auth.default", return_value=(Credentials(), None)) as default:
        made = cloud_tokens.cloud_sql_token(shard("gcp"))
    default.assert_called_once_with(scopes=["https://www.googleapis.com/auth/sqlservice.login"])
    assert made == Token(SECRET, expiry.replace(tzinfo=UTC).timestamp())


def test_a_refusal_of_google_names_the_shard(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", "/nowhere.json")
    with pytest.raises(LoginRefused, match="no token for gcp-0"):
        cloud_tokens.cloud_sql_token(shard("gcp"))


def test_no_cloud_library_is_loaded_where_certificates_are_the_login() -> None:
    code = """if True:
        import sys
        import app.server, app.provisioning.migrate
        print([name for name in ("botocore", "azure", "google", "requests", "httpx") if name in sys.modules])
    """
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
