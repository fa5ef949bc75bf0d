"""Who is who in a sandbox: its certificate authority, the certificates it gives out, and the issuer of bearer tokens.

A certificate stands in for what a cloud would say: a server's for the cloud's own authority, a client's for an IAM,
Entra or workload-identity token.
"""

from __future__ import annotations

import hashlib
import ipaddress
import json
import os
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import jwt
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from jwt.algorithms import ECAlgorithm

from localcloud.account import give
from localcloud.sandbox import TRAVERSABLE_FOLDER, Sandbox, write_atomically

ISSUER = "https://issuer.localcloud.invalid"
ALGORITHM = "ES256"
AUTHORITY_VALIDITY = timedelta(days=3650)
CERTIFICATE_VALIDITY = timedelta(days=825)
RENEWAL = timedelta(days=60)
"""A certificate with less than this left is replaced when it is next asked for."""
CLOCK_SLACK = timedelta(minutes=5)
PUBLIC_FILE = 0o644


@dataclass(frozen=True)
class KeyPair:
    """Two PEM files."""

    certificate: Path
    key: Path


class Authority:
    """The certificate authority and token issuer of one sandbox. Safe to use from several processes at once."""

    def __init__(self, sandbox: Sandbox, folder: Path) -> None:
        self._sandbox = sandbox
        self._folder = folder

    @classmethod
    def of(cls, sandbox: Sandbox) -> Authority:
        """The authority of `sandbox`, made on first use."""
        # Servers of another account must reach the certificate; the keys beside it are closed to them.
        mode = TRAVERSABLE_FOLDER if os.geteuid() == 0 else 0o700
        authority = cls(sandbox, sandbox.folder("identity", mode=mode))
        sandbox.folder("identity", "clients")
        with sandbox.lock("identity"):
            authority._ensure_authority()
            authority._ensure_issuer()
        return authority

    @property
    def ca_certificate(self) -> Path:
        """What everybody in this sandbox trusts."""
        return self._folder / "ca.crt"

    def server_certificate(self, folder: Path, names: Sequence[str], account: str | None = None) -> KeyPair:
        """A certificate for these IP addresses and host names, as `server.crt` and `server.key` in `folder`.

        The key belongs to `account` (default: ourselves) and nobody else can read it.
        """
        pair = KeyPair(folder / "server.crt", folder / "server.key")
        alternatives = x509.SubjectAlternativeName([_general_name(name) for name in names])
        with self._sandbox.lock("identity"):
            self._ensure_pair(pair, names[0], alternatives, ExtendedKeyUsageOID.SERVER_AUTH)
            for file in (pair.certificate, pair.key):
                give(file, account)
        return pair

    def client_certificate(self, common_name: str) -> KeyPair:
        """The certificate by which `common_name` logs in; it and its key are ours alone."""
        # A name may hold `@` or `/`, which are the file system's business only as a readable file name.
        name = common_name.replace("/", "_")
        pair = KeyPair(self._folder / "clients" / f"{name}.crt", self._folder / "clients" / f"{name}.key")
        with self._sandbox.lock("identity"):
            self._ensure_pair(pair, common_name, None, ExtendedKeyUsageOID.CLIENT_AUTH)
        return pair

    def jwks(self) -> str:
        """The issuer's public key as a JSON Web Key Set."""
        key = self._issuer_key()
        entry = json.loads(ECAlgorithm.to_jwk(key.public_key()))
        return json.dumps({"keys": [entry | {"kid": _key_id(key), "use": "sig", "alg": ALGORITHM}]})

    def mint(
        self, subject: str, audience: str, scopes: Sequence[str], lifetime: timedelta, now: datetime | None = None
    ) -> str:
        """A bearer token of this sandbox's issuer."""
        moment = now or datetime.now(UTC)
        claims = {
            "iss": ISSUER,
            "sub": subject,
            "aud": audience,
            "iat": moment,
            "nbf": moment,
            "exp": moment + lifetime,
            "jti": str(uuid.uuid4()),
            "scope": " ".join(scopes),
        }
        key = self._issuer_key()
        return jwt.encode(claims, key, algorithm=ALGORITHM, headers={"kid": _key_id(key)})

    def _ensure_authority(self) -> None:
        own = self._own()
        if _usable(own, own):
            return
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"localcloud {self._sandbox.root.name}"[:64])])
        usage = x509.KeyUsage(
            digital_signature=True,
            key_cert_sign=True,
            crl_sign=True,
            content_commitment=False,
            key_encipherment=False,
            data_encipherment=False,
            key_agreement=False,
            encipher_only=False,
            decipher_only=False,
        )
        certificate = (
            _draft(name, name, key.public_key(), AUTHORITY_VALIDITY)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(usage, critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .sign(key, hashes.SHA256())
        )
        _write(own, key, certificate)

    def _ensure_issuer(self) -> None:
        path = self._folder / "issuer.key"
        if not path.exists():
            write_atomically(path, _key_text(ec.generate_private_key(ec.SECP256R1())))

    def _ensure_pair(
        self,
        pair: KeyPair,
        common_name: str,
        alternatives: x509.SubjectAlternativeName | None,
        purpose: x509.ObjectIdentifier,
    ) -> None:
        own = self._own()
        if _usable(pair, own) and _alternatives(pair) == alternatives:
            return
        issuer_key, issuer = _load(own)
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
        authority_id = x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key())
        draft = (
            _draft(name, issuer.subject, key.public_key(), CERTIFICATE_VALIDITY)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
            .add_extension(authority_id, critical=False)
        )
        if alternatives is not None:
            draft = draft.add_extension(alternatives, critical=False)
        _write(pair, key, draft.sign(issuer_key, hashes.SHA256()))

    def _own(self) -> KeyPair:
        return KeyPair(self.ca_certificate, self._folder / "ca.key")

    def _issuer_key(self) -> ec.EllipticCurvePrivateKey:
        return _load_key(self._folder / "issuer.key")


def _draft(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, validity: timedelta
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - CLOCK_SLACK)
        .not_valid_after(now + validity)
    )


def _usable(pair: KeyPair, authority: KeyPair) -> bool:
    """Whether both files are there and belong together, the authority's own signature is on it, and it lasts."""
    try:
        key, certificate = _load(pair)
        certificate.verify_directly_issued_by(x509.load_pem_x509_certificate(authority.certificate.read_bytes()))
    except (OSError, ValueError, TypeError, InvalidSignature):
        return False
    lasts = certificate.not_valid_after_utc - datetime.now(UTC) > RENEWAL
    return lasts and certificate.public_key() == key.public_key()


def _alternatives(pair: KeyPair) -> x509.SubjectAlternativeName | None:
    certificate = x509.load_pem_x509_certificate(pair.certificate.read_bytes())
    try:
        return certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return None


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _load(pair: KeyPair) -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
    return _load_key(pair.key), x509.load_pem_x509_certificate(pair.certificate.read_bytes())


def _load_key(path: Path) -> ec.EllipticCurvePrivateKey:
    key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise TypeError(f"{path} holds no elliptic curve key")
    return key


def _write(pair: KeyPair, key: ec.EllipticCurvePrivateKey, certificate: x509.Certificate) -> None:
    # A crash between the two leaves a key that does not fit the certificate, which is then not usable and made anew.
    write_atomically(pair.key, _key_text(key))
    write_atomically(pair.certificate, certificate.public_bytes(serialization.Encoding.PEM).decode(), PUBLIC_FILE)


def _key_text(key: ec.EllipticCurvePrivateKey) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


def _key_id(key: ec.EllipticCurvePrivateKey) -> str:
    public = key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(public).hexdigest()[:16]
