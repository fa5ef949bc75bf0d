"""Certificates and bearer tokens of a sandbox."""

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
from localcloud.identity import ISSUER, Authority, KeyPair
from localcloud.sandbox import Sandbox


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[Sandbox]:
    return Sandbox.open(tmp_path / "sandbox")


def certificate(pair: KeyPair) -> x509.Certificate:
    return x509.load_pem_x509_certificate(pair.certificate.read_bytes())


def test_a_server_certificate_stands_for_its_addresses_and_names(sandbox: Sandbox) -> None:
    authority = Authority.of(sandbox)
    pair = authority.server_certificate(sandbox.folder("server"), ["127.9.8.7", "aws.localhost"])
    store = Store([x509.load_pem_x509_certificate(authority.ca_certificate.read_bytes())])
    PolicyBuilder().store(store).build_server_verifier(x509.DNSName("aws.localhost")).verify(certificate(pair), [])
    names = certificate(pair).extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert [str(address) for address in names.get_values_for_type(x509.IPAddress)] == ["127.9.8.7"]
    assert names.get_values_for_type(x509.DNSName) == ["aws.localhost"]


def test_keys_are_ours_alone(sandbox: Sandbox) -> None:
    authority = Authority.of(sandbox)
    authority.client_certificate("migrator")
    authority.server_certificate(sandbox.folder("server"), ["127.0.0.1"])
    keys = list(sandbox.root.rglob("*.key"))
    assert len(keys) == 4
    assert {key.stat().st_mode & 0o777 for key in keys} == {0o600}


def test_asking_again_gives_the_same(sandbox: Sandbox) -> None:
    first = certificate(Authority.of(sandbox).client_certificate("ledger@project.iam"))
    assert certificate(Authority.of(sandbox).client_certificate("ledger@project.iam")) == first
    folder = sandbox.folder("server")
    pair = Authority.of(sandbox).server_certificate(folder, ["127.0.0.1"])
    before = certificate(pair)
    assert certificate(Authority.of(sandbox).server_certificate(folder, ["127.0.0.1"])) == before
    assert certificate(Authority.of(sandbox).server_certificate(folder, ["127.0.0.2"])) != before


def test_what_does_not_fit_or_last_is_made_anew(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    pair = Authority.of(sandbox).client_certificate("ledger")
    before = certificate(pair)
    pair.key.write_text("half a ke")
    assert certificate(Authority.of(sandbox).client_certificate("ledger")) != before
    before = certificate(pair)
    monkeypatch.setattr(identity, "RENEWAL", identity.CERTIFICATE_VALIDITY + timedelta(days=1))
    assert certificate(Authority.of(sandbox).client_certificate("ledger")) != before
    (sandbox.root / "identity" / "ca.crt").unlink()
    before = certificate(pair)
    monkeypatch.undo()
    assert certificate(Authority.of(sandbox).client_certificate("ledger")) != before


def test_many_at_once_agree_on_one_authority(sandbox: Sandbox) -> None:
    with ThreadPoolExecutor(8) as pool:
        pairs = list(pool.map(lambda number: Authority.of(sandbox).client_certificate(f"c{number % 2}"), range(16)))
    ca = x509.load_pem_x509_certificate(Authority.of(sandbox).ca_certificate.read_bytes())
    for pair in pairs:
        certificate(pair).verify_directly_issued_by(ca)


def test_a_token_is_verified_by_the_published_key(sandbox: Sandbox) -> None:
    authority = Authority.of(sandbox)
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
