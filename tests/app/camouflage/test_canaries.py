"""Canary tokens: known by the key alone, and like any other name without it."""

from __future__ import annotations

import base64
import errno
import json
import os
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID, uuid4

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.canaries import credentials
from app.canaries.credentials import Bearer, Credentials, KeysWithCanaries
from app.canaries.errors import ImpossibleBundle, WrongKey
from app.canaries.key import CamouflageKey
from app.canaries.tokens import PLACES, ROWS, Canaries, Canary, Kind
from app.tokens import Caller, InvalidToken, UnknownKey, Verifier

DOMAIN = "mail.bluewillow-post.com"
KEY = CamouflageKey(bytes(range(32)), [DOMAIN, "inbox.bluewillow-post.com"])
OTHER = CamouflageKey(bytes(32), [DOMAIN])
BEARER = Bearer("https://issuer.example", "ledger", ["credits:read", "credits:spend"])
ISSUED = datetime(2026, 1, 1, tzinfo=UTC)

places = st.integers(0, PLACES - 1)
indices = st.integers(0, ROWS - 1)
kinds = st.sampled_from([Kind.ACCOUNT, Kind.CREDENTIAL])


@given(kinds, places, indices)
def test_a_token_tells_what_it_is_to_whoever_has_the_key(kind: Kind, place: int, index: int) -> None:
    token = Canaries(KEY).token(kind, place, index)  # type: ignore[arg-type]
    assert (token.version, token.variant) == (4, uuid4().variant)
    assert Canaries(KEY).read(token) == Canary(kind, place, index, str(token))
    assert Canaries(OTHER).read(token) is None


@given(kinds, places, indices, st.integers(0, 127))
def test_a_token_with_one_other_bit_is_none(kind: Kind, place: int, index: int, bit: int) -> None:
    token = Canaries(KEY).token(kind, place, index)  # type: ignore[arg-type]
    other = UUID(int=token.int ^ (1 << bit))
    assert other.version != 4 or other.variant != token.variant or Canaries(KEY).read(other) is None


def test_no_name_that_others_give_is_taken_for_a_token() -> None:
    canaries = Canaries(KEY)
    assert not any(canaries.read(uuid4()) for _ in range(20_000))


def test_digits_of_tokens_are_spread_like_those_of_other_names() -> None:
    canaries = Canaries(KEY)
    texts = [str(canaries.token(Kind.ACCOUNT, 7, index)) for index in range(4_000)]
    assert len(set(texts)) == len(texts)
    for position in set(range(36)) - {8, 13, 14, 18, 19, 23}:
        counts = Counter(text[position] for text in texts)
        chi_square = sum((counts[digit] - 250) ** 2 / 250 for digit in "0123456789abcdef")
        assert chi_square < 60, (position, chi_square)  # 15 degrees of freedom: once in four million


@given(st.from_regex(r"[a-z]{2,10}[._]?[a-z]{2,12}", fullmatch=True), places)
def test_an_address_tells_where_it_was_planted(local: str, place: int) -> None:
    address = Canaries(KEY).email(local, DOMAIN, place)
    [canary] = Canaries(KEY).find(f"to: {address.upper()}, please".encode())
    assert (canary.kind, canary.place, canary.token) == (Kind.EMAIL, place, address)


def test_addresses_elsewhere_and_most_that_are_made_up_are_none() -> None:
    canaries = Canaries(KEY)
    address = canaries.email("anna.miller", DOMAIN, 3)
    elsewhere = address.replace(DOMAIN, "example.com"), f"{address}.example.com", f"{address}x"
    assert not any(list(canaries.find(text.encode())) for text in elsewhere)
    made_up = sum(bool(list(canaries.find(f"a{number:06}@{DOMAIN}".encode()))) for number in range(20_000))
    assert made_up <= 20


@given(st.binary(max_size=60), st.binary(max_size=60))
def test_tokens_are_found_wherever_they_stand(before: bytes, after: bytes) -> None:
    token = Canaries(KEY).token(Kind.ACCOUNT, 1, 2)
    found = list(Canaries(KEY).find(before + b"/" + str(token).encode() + b"/" + after))
    assert token in [UUID(canary.token) for canary in found]


class NoKeys:
    async def key(self, identity: str | None) -> jwt.PyJWK:
        raise UnknownKey("the issuer has no key of the token's key id")


async def test_a_credential_is_taken_by_the_decoy_only() -> None:
    made = Credentials(KEY)
    token = made.mint(BEARER, "anna", 4, 9, datetime.now(UTC))
    real = Verifier(NoKeys(), issuer=BEARER.issuer, audience=BEARER.audience)
    decoy = Verifier(KeysWithCanaries(NoKeys(), made), issuer=BEARER.issuer, audience=BEARER.audience)
    with pytest.raises(InvalidToken, match="no key"):
        await real.caller(token)
    caller = await decoy.caller(token)
    assert (caller.subject, caller.scopes) == ("anna", frozenset(BEARER.scopes))
    assert isinstance(caller, Caller)


def test_a_credential_is_known_in_any_text_and_whoever_signed_it() -> None:
    token = Credentials(KEY).mint(BEARER, "anna", 4, 9, ISSUED)
    for text in (f"Bearer {token}", f"key={token};", token.rsplit(".", 1)[0] + ".forged"):
        [canary] = credentials.find(Canaries(KEY), text.encode())
        assert (canary.kind, canary.place, canary.index) == (Kind.CREDENTIAL, 4, 9)
    assert not list(credentials.find(Canaries(OTHER), token.encode()))


@pytest.mark.parametrize("claims", ["null", "[]", '{"jti": 7}', '{"jti": "x"}', "{", "\xff"])
def test_what_only_looks_like_a_credential_is_none(claims: str) -> None:
    payload = base64.urlsafe_b64encode(b'{"' + claims.encode()).rstrip(b"=")
    plain = base64.urlsafe_b64encode(claims.encode()).rstrip(b"=")
    for part in (payload, b"eyJ" + plain):
        assert not list(credentials.find(Canaries(KEY), b"eyJh." + part + b".sig"))


def test_credentials_agree_on_who_signed_them() -> None:
    made = Credentials(KEY)
    tokens = [made.mint(BEARER, "anna", 4, index, ISSUED) for index in range(3)]
    assert {jwt.get_unverified_header(token)["kid"] for token in tokens} == {Credentials(KEY).key_id}
    for token in tokens:
        jwt.decode(token, made.public_key, algorithms=["ES256"], audience="ledger", options={"verify_exp": False})


@pytest.mark.parametrize(("place", "index"), [(-1, 0), (PLACES, 0), (0, -1), (0, ROWS)])
def test_what_no_token_has_room_for_is_refused(place: int, index: int) -> None:
    with pytest.raises(ImpossibleBundle):
        Canaries(KEY).token(Kind.ACCOUNT, place, index)


def test_a_key_is_made_once_and_is_its_owners(tmp_path: Path) -> None:
    file = tmp_path / "key.json"
    made = CamouflageKey.create(file, [DOMAIN])
    assert file.stat().st_mode & 0o777 == 0o600
    assert CamouflageKey.read(file).of("x") == made.of("x") != made.of("y")
    assert json.loads(file.read_text())["secret"] not in repr(made)
    with pytest.raises(WrongKey, match="File exists"):
        CamouflageKey.create(file, [DOMAIN])


def test_a_domain_that_is_none_is_named(tmp_path: Path) -> None:
    with pytest.raises(WrongKey, match=r"^'Not a domain' is no mail domain: write it in small letters"):
        CamouflageKey.create(tmp_path / "key.json", [DOMAIN, "Not a domain"])
    with pytest.raises(WrongKey, match="domains"):
        CamouflageKey.create(tmp_path / "key.json", [])
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_leaves_no_half_key_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(WrongKey, match=r"key\.json cannot be made: No space left on device"):
        CamouflageKey.create(tmp_path / "key.json", [DOMAIN])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("", "Invalid JSON"),
        ('{"secret": "AAAA", "domains": ["example.com"]}', "3 bytes, not 32"),
        ('{"secret": "!", "domains": ["example.com"]}', "not base64"),
        ('{"secret": "AAAA", "domains": []}', "domains"),
        ('{"secret": "AAAA", "domains": ["not a domain"]}', "domains.0"),
        ('{"secret": "TOPSECRET", "more": 1, "domains": ["example.com"]}', "more"),
    ],
)
def test_a_wrong_key_file_is_refused_without_telling_it(tmp_path: Path, content: str, why: str) -> None:
    file = tmp_path / "key.json"
    file.touch(0o600)
    file.write_text(content)
    with pytest.raises(WrongKey, match=why) as refused:
        CamouflageKey.read(file)
    assert "TOPSECRET" not in str(refused.value)


def test_a_key_that_others_could_read_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "key.json"
    CamouflageKey.create(file, [DOMAIN])
    file.chmod(0o640)
    with pytest.raises(WrongKey, match="open to others"):
        CamouflageKey.read(file)


@pytest.mark.parametrize(
    ("mode", "is_taken"), [(0o400, True), (0o440, True), (0o460, False), (0o444, False), (0o640, True)]
)
def test_a_key_that_a_cluster_mounts_for_the_group_of_a_pod_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: int, is_taken: bool
) -> None:
    file = tmp_path / "key.json"
    CamouflageKey.create(file, [DOMAIN])
    file.chmod(mode)
    monkeypatch.setattr(os, "geteuid", lambda: file.stat().st_uid + 1)  # as if it were root's, and the pod another
    if is_taken:
        assert CamouflageKey.read(file).domains == (DOMAIN,)
    else:
        with pytest.raises(WrongKey, match="open to others"):
            CamouflageKey.read(file)
    with pytest.raises(WrongKey, match="cannot be read"):
        CamouflageKey.read(tmp_path / "none.json")
