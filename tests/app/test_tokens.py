"""Bearer tokens: which are taken, and how the issuer's keys are read."""

from __future__ import annotations

import base64
import hashlib
import hmac
import http.server
import json
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from app.tokens import InvalidToken, JwksCache, KeysUnavailable, KnownCallers, UnknownKey, Verifier, key_source
from app.tokens.known import TRUSTED_SECONDS
from localcloud.identity import Authority
from localcloud.sandbox import Sandbox

ISSUER = "https://issuer.example.com"
EC_KEY = ec.generate_private_key(ec.SECP256R1())
RSA_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
OTHER_KEY = ec.generate_private_key(ec.SECP256R1())


def jwks(**keys: Any) -> str:
    entries = []
    for identity, key in keys.items():
        algorithm = RSAAlgorithm if isinstance(key, rsa.RSAPrivateKey) else ECAlgorithm
        entry = {**json.loads(algorithm.to_jwk(key.public_key())), "kid": identity}
        entries.append(entry | ({"alg": "PS256"} if identity == "ps" else {}))
    return json.dumps({"keys": entries})


def signed(
    key: Any = EC_KEY, algorithm: str = "ES256", identity: str | None = "ec", *, lifetime: float = 60, **changes: Any
) -> str:
    claims = {
        "iss": ISSUER,
        "aud": "ledger",
        "sub": "alice",
        "exp": time.time() + lifetime,
        "scope": "credits:grant credits:read",
        **changes,
    }
    claims = {name: value for name, value in claims.items() if value is not None}
    return jwt.encode(claims, key, algorithm, headers={"kid": identity} if identity else None)


class Issuer:
    """Key sets, counted."""

    def __init__(self, **keys: Any) -> None:
        self.keys = keys
        self.reads = 0
        self.down = False

    def __call__(self) -> str:
        self.reads += 1
        if self.down:
            raise KeysUnavailable("the issuer is down")
        return jwks(**self.keys)


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def verifier(issuer: Issuer) -> Verifier:
    return Verifier(JwksCache(issuer), issuer=ISSUER, audience="ledger")


@pytest.mark.parametrize(
    "make",
    [
        lambda: signed(),
        lambda: signed(RSA_KEY, "RS256", "rsa"),
        lambda: signed(RSA_KEY, "PS256", "ps"),
        lambda: signed(aud=["other", "ledger"]),
        lambda: signed(lifetime=-5),  # within the skew of two clocks
        lambda: signed(scope=None, scp="credits:grant credits:read"),
        lambda: signed(scope=["credits:grant", "credits:read"]),
    ],
)
async def test_a_good_token_names_caller_and_scopes(make: Callable[[], str]) -> None:
    caller = await verifier(Issuer(ec=EC_KEY, rsa=RSA_KEY, ps=RSA_KEY)).caller(make())
    assert caller.subject == "alice"
    assert caller.scopes == {"credits:grant", "credits:read"}


PUBLIC_PEM = EC_KEY.public_key().public_bytes(
    serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
)


def forged_with_public_key_as_secret() -> str:
    def part(document: dict[str, Any]) -> bytes:
        return base64.urlsafe_b64encode(json.dumps(document).encode()).rstrip(b"=")

    body = (
        part({"alg": "HS256", "typ": "JWT", "kid": "ec"})
        + b"."
        + part({"iss": ISSUER, "aud": "ledger", "sub": "mallory", "exp": 4102444800})
    )
    mac = base64.urlsafe_b64encode(hmac.new(PUBLIC_PEM, body, hashlib.sha256).digest()).rstrip(b"=")
    return (body + b"." + mac).decode()


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda: signed(lifetime=-300), "has expired"),
        (lambda: signed(nbf=time.time() + 300), "not valid yet"),
        (lambda: signed(aud="other"), "another audience"),
        (lambda: signed(iss="https://evil.example.com"), "another issuer"),
        (lambda: signed(exp=None), "lacks one of"),
        (lambda: signed(sub=None), "lacks one of"),
        (lambda: signed(OTHER_KEY), "signature is wrong"),
        (lambda: signed(identity="other"), "no key of the token's key id"),
        (lambda: signed(identity=None), "no key of the token's key id"),
        (lambda: signed(RSA_KEY, "RS256", "ec"), "malformed"),
        (lambda: jwt.encode({"sub": "alice"}, None, "none"), "not signed with an accepted public key"),
        (forged_with_public_key_as_secret, "not signed with an accepted public key"),
        (lambda: "", "malformed"),
        (lambda: "a.b.c", "malformed"),
        (lambda: "x" * 9000, "too long"),
    ],
)
async def test_a_bad_token_proves_nothing(make: Callable[[], str], reason: str) -> None:
    token = make()
    with pytest.raises(InvalidToken, match=reason) as caught:
        await verifier(Issuer(ec=EC_KEY, rsa=RSA_KEY)).caller(token)
    assert token == "" or token not in str(caught.value)


async def test_a_new_key_is_found_when_it_is_first_used() -> None:
    clock, issuer = Clock(), Issuer(old=EC_KEY)
    cache = JwksCache(issuer, now=clock)
    await cache.key("old")
    issuer.keys["new"] = OTHER_KEY
    clock.now += 11
    assert (await cache.key("new")).key_id == "new"
    assert issuer.reads == 2


async def test_unknown_key_ids_do_not_make_the_app_ask_again_and_again() -> None:
    clock, issuer = Clock(), Issuer(ec=EC_KEY)
    cache = JwksCache(issuer, now=clock)
    await cache.key("ec")
    for number in range(100):
        clock.now += 0.2
        with pytest.raises(UnknownKey):
            await cache.key(f"made-up-{number}")
    assert issuer.reads <= 3


async def test_known_keys_outlive_an_issuer_that_is_down() -> None:
    clock, issuer = Clock(), Issuer(ec=EC_KEY)
    cache = JwksCache(issuer, now=clock)
    await cache.key("ec")
    issuer.down = True
    clock.now += 1000
    assert (await cache.key("ec")).key_id == "ec"


async def test_a_withdrawn_key_is_refused_once_keys_are_read_again() -> None:
    clock, issuer = Clock(), Issuer(ec=EC_KEY, stolen=OTHER_KEY)
    cache = JwksCache(issuer, now=clock)
    await cache.key("stolen")
    del issuer.keys["stolen"]
    clock.now += 301
    with pytest.raises(UnknownKey):
        await cache.key("stolen")


class TestKnownCallers:
    """Tokens that come again."""

    async def test_a_token_is_verified_once(self) -> None:
        issuer = Issuer(ec=EC_KEY)
        known = KnownCallers(verifier(issuer))
        token = signed()
        caller = await known.caller(token)
        issuer.keys.clear()
        assert known.remembered(token) == caller == await known.caller(token)

    async def test_a_token_is_not_taken_beyond_its_end(self) -> None:
        clock = Clock()
        clock.now = time.time()
        known = KnownCallers(verifier(Issuer(ec=EC_KEY)), now=clock)
        token = signed(lifetime=20)
        await known.caller(token)
        clock.now += 21
        assert known.remembered(token) is None

    async def test_a_token_is_looked_at_again_after_a_while(self) -> None:
        clock = Clock()
        known = KnownCallers(verifier(Issuer(ec=EC_KEY)), monotonic=clock)
        token = signed(lifetime=3600)
        await known.caller(token)
        clock.now += TRUSTED_SECONDS
        assert known.remembered(token) is None

    async def test_an_invalid_token_is_not_cached(self) -> None:
        known = KnownCallers(verifier(Issuer(ec=EC_KEY)))
        token = signed(OTHER_KEY)
        for _ in range(2):
            with pytest.raises(InvalidToken):
                await known.caller(token)

    async def test_only_so_many_are_remembered(self) -> None:
        known = KnownCallers(verifier(Issuer(ec=EC_KEY)), size=2)
        tokens = [signed(sub=name) for name in ("a", "b", "c")]
        for token in tokens:
            await known.caller(token)
        assert [known.remembered(token) is not None for token in tokens] == [False, True, True]


async def test_without_keys_no_token_is_verified() -> None:
    issuer = Issuer()
    issuer.down = True
    with pytest.raises(KeysUnavailable, match="the issuer is down"):
        await verifier(issuer).caller(signed())


async def test_a_key_of_an_unknown_kind_does_not_spoil_the_others(tmp_path: Path) -> None:
    document = json.loads(jwks(ec=EC_KEY))
    document["keys"] += [{"kty": "AKP", "kid": "later"}, {"kty": "oct"}, 7]
    (tmp_path / "jwks.json").write_text(json.dumps(document))
    assert (await JwksCache(key_source(ISSUER, (tmp_path / "jwks.json").as_uri())).key("ec")).key_id == "ec"


async def test_keys_are_read_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "key set.json"
    file.write_text(jwks(ec=EC_KEY))
    assert (await JwksCache(key_source(ISSUER, file.as_uri())).key("ec")).key_id == "ec"


@pytest.mark.parametrize(
    "text", ["", "{}", "[]", '{"keys": 7}', '{"keys": []}', '{"keys": [{"kty": "oct"}]}', "nul\x00"]
)
async def test_a_useless_key_set_is_no_key_set(tmp_path: Path, text: str) -> None:
    (tmp_path / "jwks.json").write_text(text)
    with pytest.raises(KeysUnavailable):
        await JwksCache(key_source(ISSUER, (tmp_path / "jwks.json").as_uri())).key("ec")


@pytest.fixture
def https(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, dict[str, Any]]]:
    """An https server, and the documents that it serves by path; a text that begins with `>` is a redirect."""
    authority = Authority.of(Sandbox.open(tmp_path / "sandbox"))
    pair = authority.server_certificate(tmp_path, ["127.0.0.1"])
    documents: dict[str, Any] = {}

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            document = documents.get(self.path)
            redirects = document is not None and document.startswith(">")
            self.send_response(404 if document is None else 302 if redirects else 200)
            if redirects:
                self.send_header("Location", document[1:])
            self.end_headers()
            self.wfile.write((document or "").encode())

        def log_message(self, *_: object) -> None:
            pass

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair.certificate, pair.key)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.ca_certificate))
    yield f"https://127.0.0.1:{server.server_port}", documents
    server.shutdown()
    server.server_close()


Https = tuple[str, dict[str, Any]]


async def test_keys_are_found_by_discovery(https: Https) -> None:
    url, documents = https
    documents["/.well-known/openid-configuration"] = json.dumps({"issuer": url, "jwks_uri": f"{url}/keys"})
    documents["/keys"] = jwks(ec=EC_KEY)
    assert (await JwksCache(key_source(url, "")).key("ec")).key_id == "ec"
    assert (await JwksCache(key_source(url, f"{url}/keys")).key("ec")).key_id == "ec"


@pytest.mark.parametrize(
    ("configuration", "reason"),
    [
        ({"issuer": "https://other.example.com"}, "speaks for the issuer 'https://other.example.com'"),
        ({"jwks_uri": "http://127.0.0.1/keys"}, "names no https jwks_uri"),
        ({"jwks_uri": "file:///etc/passwd"}, "names no https jwks_uri"),
        ({"jwks_uri": None}, "names no https jwks_uri"),
    ],
)
async def test_a_discovery_document_is_not_trusted_blindly(
    https: Https, configuration: dict[str, Any], reason: str
) -> None:
    url, documents = https
    documents["/.well-known/openid-configuration"] = json.dumps(
        {"issuer": url, "jwks_uri": f"{url}/keys", **configuration}
    )
    with pytest.raises(KeysUnavailable, match=reason):
        await JwksCache(key_source(url, "")).key("ec")


@pytest.mark.parametrize(
    ("answer", "reason"),
    [(None, "404"), (">http://127.0.0.1/", "it redirects"), ("x" * 1024 * 1025, "larger than"), ("<html>", "not JSON")],
)
async def test_a_strange_answer_is_no_key_set(https: Https, answer: str | None, reason: str) -> None:
    url, documents = https
    documents["/keys"] = answer
    with pytest.raises(KeysUnavailable, match=reason):
        await JwksCache(key_source(url, f"{url}/keys")).key("ec")
