"""Certificates and bearer tokens of a world."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import jwt
import pytest
from cryptography import x509
from cryptography.x509.verification import PolicyBuilder, Store

from localcloud import identity
from localcloud.home import Home
from localcloud.identity import ISSUER, Authority, KeyPair


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    return Home.open(tmp_path / "world")


def certificate(pair: KeyPair) -> x509.Certificate:
    return x509.load_pem_x509_certificate(pair.certificate.read_bytes())


def test_a_server_certificate_stands_for_its_addresses_and_names(home: Home) -> None:
    authority = Authority.of(home)
    pair = authority.server_certificate(home.folder("server"), ["127.9.8.7", "aws.localhost"])
    store = Store([x509.load_pem_x509_certificate(authority.ca_certificate.read_bytes())])
    PolicyBuilder().store(store).build_server_verifier(x509.DNSName("aws.localhost")).verify(certificate(pair), [])
    names = certificate(pair).extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert [str(address) for address in names.get_values_for_type(x509.IPAddress)] == ["127.9.8.7"]
    assert names.get_values_for_type(x509.DNSName) == ["aws.localhost"]


def test_keys_are_ours_alone(home: Home) -> None:
    authority = Authority.of(home)
    authority.client_certificate("migrator")
    authority.server_certificate(home.folder("server"), ["127.0.0.1"])
    keys = list(home.root.rglob("*.key"))
    assert len(keys) == 4
    assert {key.stat().st_mode & 0o777 for key in keys} == {0o600}


def test_asking_again_gives_the_same(home: Home) -> None:
    first = certificate(Authority.of(home).client_certificate("ledger@project.iam"))
    assert certificate(Authority.of(home).client_certificate("ledger@project.iam")) == first
    folder = home.folder("server")
    pair = Authority.of(home).server_certificate(folder, ["127.0.0.1"])
    before = certificate(pair)
    assert certificate(Authority.of(home).server_certificate(folder, ["127.0.0.1"])) == before
    assert certificate(Authority.of(home).server_certificate(folder, ["127.0.0.2"])) != before


def test_what_does_not_fit_or_last_is_made_anew(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    pair = Authority.of(home).client_certificate("ledger")
    before = certificate(pair)
    pair.key.write_text("half a ke")
    assert certificate(Authority.of(home).client_certificate("ledger")) != before
    before = certificate(pair)
    monkeypatch.setattr(identity, "RENEWAL", identity.CERTIFICATE_VALIDITY + timedelta(days=1))
    assert certificate(Authority.of(home).client_certificate("ledger")) != before
    (home.root / "identity" / "ca.crt").unlink()
    before = certificate(pair)
    monkeypatch.undo()
    assert certificate(Authority.of(home).client_certificate("ledger")) != before


def test_many_at_once_agree_on_one_authority(home: Home) -> None:
    with ThreadPoolExecutor(8) as pool:
        pairs = list(pool.map(lambda number: Authority.of(home).client_certificate(f"c{number % 2}"), range(16)))
    ca = x509.load_pem_x509_certificate(Authority.of(home).ca_certificate.read_bytes())
    for pair in pairs:
        certificate(pair).verify_directly_issued_by(ca)


def test_a_token_is_verified_by_the_published_key(home: Home) -> None:
    authority = Authority.of(home)
    now = datetime.now(UTC)
    token = authority.mint("tester", "ledger", ["grants:write", "accounts:read"], timedelta(minutes=5), now)
    assert "PRIVATE" not in authority.jwks()
    assert "d" not in json.loads(authority.jwks())["keys"][0]
    keys = jwt.PyJWKSet.from_json(authority.jwks())
    key = keys[jwt.get_unverified_header(token)["kid"]]
    claims = jwt.decode(token, key.key, algorithms=["ES256"], audience="ledger", issuer=ISSUER)
    assert claims["scope"] == "grants:write accounts:read"
    assert claims["exp"] - claims["iat"] == 300
    old = authority.mint("tester", "ledger", [], timedelta(minutes=5), now - timedelta(hours=1))
    with pytest.raises(jwt.ExpiredSignatureError):
        jwt.decode(old, key.key, algorithms=["ES256"], audience="ledger", issuer=ISSUER)
