"""Canary tokens: names that nobody knows but a reader of planted decoys, so that each use reveals an intruder.

A token encodes its kind, the place where it was planted, and its row. It is encrypted: without the key it looks like
any other name of its form; with the key it is recognised without a table. Its bits are a MAC of the content, and the
content encrypted under that MAC (a synthetic initialisation vector, as in RFC 5297, on the 122 free bits of a UUID of
version 4). A random UUID is mistaken for a token once in 2^60.

An e-mail address has no room for that: it ends in six digits, a MAC of the text before them plus the number of the
place. It counts only at the operator's own domains, where an invented address is mistaken for a token once in 10,000.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from hashlib import blake2b
from typing import Literal
from uuid import UUID

from app.canaries.errors import ImpossibleBundle
from app.canaries.key import CamouflageKey, mac

PLACES = 100
"""Number of places; a place is a number below it, and the operator keeps the list of their meanings."""
ROWS = 1 << 32
"""Tokens of each kind in one place."""

MIDDLE = re.compile(rb"-4[0-9a-fA-F]{3}-[89abAB]")
"""The middle of every UUID of version 4; finding it takes a third of the time of a whole UUID."""
UUID_TEXT = re.compile(rb"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-4[0-9a-fA-F]{3}-[89abAB][0-9a-fA-F]{3}-[0-9a-fA-F]{12}")
_BEFORE, _AFTER = 13, 23
"""Characters of a UUID before its middle, and from its middle on."""
_DIGITS = 6
_SPAN = 10**_DIGITS
_HIDDEN = 62
_TAG = 60
_HIDDEN_MASK = (1 << _HIDDEN) - 1


class Kind(StrEnum):
    """The form of a token."""

    ACCOUNT = "account"
    CREDENTIAL = "credential"
    EMAIL = "email"


_NUMBERS = {Kind.ACCOUNT: 1, Kind.CREDENTIAL: 2}
_KINDS = {number: kind for kind, number in _NUMBERS.items()}


@dataclass(frozen=True, slots=True)
class Canary:
    """A decoded token."""

    kind: Kind
    place: int
    index: int | None
    """Row within the place; None for an e-mail address, which carries no row."""
    token: str

    @property
    def name(self) -> str:
        """Return a stable name that contains no secret."""
        return f"{self.kind}-{self.place}-{self.token if self.index is None else self.index}"


class Canaries:
    """Makes tokens and recognises them."""

    def __init__(self, key: CamouflageKey) -> None:
        self._tags = key.of("tags of canaries")
        self._pads = key.of("contents of canaries")
        self._addresses = key.of("addresses of canaries")
        self._address = _address_pattern(key.domains)

    def token(self, kind: Literal[Kind.ACCOUNT, Kind.CREDENTIAL], place: int, index: int) -> UUID:
        """Return the token of row `index` of a place; raises ImpossibleBundle."""
        check_place(place)
        if not 0 <= index < ROWS:
            raise ImpossibleBundle(f"a place has {ROWS} rows: there is no row {index}")
        content = (_NUMBERS[kind] << 52) | (place << 32) | index
        tag = self._tag(content)
        return _to_uuid(tag << _HIDDEN | content ^ self._pad(tag))

    def email(self, local: str, domain: str, place: int) -> str:
        """Return an address that begins with `local` at one of the operator's domains; raises ImpossibleBundle."""
        check_place(place)
        return f"{local}{(self._checksum(local, domain) + place) % _SPAN:0{_DIGITS}}@{domain}"

    def read(self, token: UUID) -> Canary | None:
        """Decode a UUID of version 4; return None if it is no token."""
        bits = _to_bits(token.int)
        tag = bits >> _HIDDEN
        content = bits & _HIDDEN_MASK ^ self._pad(tag)
        kind = _KINDS.get(content >> 52)
        place, index = content >> 32 & 0xFFFFF, content & 0xFFFFFFFF
        if kind is None or place >= PLACES or self._tag(content) != tag:
            return None
        return Canary(kind, place, index, str(token))

    def read_email(self, local: str, domain: str) -> Canary | None:
        """Decode an e-mail address; return None if it is no token."""
        written = local[-_DIGITS:]
        if not (len(written) == _DIGITS and written.isascii() and written.isdigit()):
            return None
        place = (int(written) - self._checksum(local[:-_DIGITS], domain)) % _SPAN
        return Canary(Kind.EMAIL, place, None, f"{local}@{domain}") if place < PLACES else None

    def find(self, text: bytes) -> Iterator[Canary]:
        """Find the account and e-mail tokens in a text, in upper or lower case; see `credentials.find` for the rest."""
        for match in MIDDLE.finditer(text):
            whole = text[max(0, match.start() - _BEFORE) : match.start() + _AFTER]
            if UUID_TEXT.fullmatch(whole) and (canary := self.read(UUID(whole.decode()))) is not None:
                yield canary
        for match in self._address.finditer(text) if b"@" in text else ():
            local, _, domain = match[0].decode().lower().partition("@")
            if (canary := self.read_email(local, domain)) is not None:
                yield canary

    def _tag(self, content: int) -> int:
        digest = blake2b(content.to_bytes(8), key=self._tags, digest_size=8).digest()
        return int.from_bytes(digest) >> (64 - _TAG)

    def _pad(self, tag: int) -> int:
        digest = blake2b(tag.to_bytes(8), key=self._pads, digest_size=8).digest()
        return int.from_bytes(digest) & _HIDDEN_MASK

    def _checksum(self, local: str, domain: str) -> int:
        number: int = int.from_bytes(mac(self._addresses, local, domain)) % _SPAN
        return number


def check_place(place: int) -> None:
    """Raise ImpossibleBundle if the place is out of range."""
    if not 0 <= place < PLACES:
        raise ImpossibleBundle(f"the place is {place}: it is a number from 0 to {PLACES - 1}")


def _address_pattern(domains: tuple[str, ...]) -> re.Pattern[bytes]:
    ends = "|".join(re.escape(domain) for domain in domains)
    pattern = rf"[a-z0-9._-]{{1,58}}[0-9]{{{_DIGITS}}}@(?:{ends})(?![a-z0-9-]|\.[a-z0-9])"
    return re.compile(pattern.encode(), re.IGNORECASE)


def _to_uuid(bits: int) -> UUID:
    """Return the UUID of version 4 with these 122 free bits."""
    high, low = bits >> 62, bits & _HIDDEN_MASK
    return UUID(int=(high >> 12 << 80) | (4 << 76) | ((high & 0xFFF) << 64) | (2 << 62) | low)


def _to_bits(number: int) -> int:
    """Return the 122 free bits of a UUID of version 4."""
    return (number >> 80 << 74) | ((number >> 64 & 0xFFF) << 62) | (number & _HIDDEN_MASK)
