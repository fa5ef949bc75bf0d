"""Canary tokens: names that betray whoever uses them, since nobody but the reader of a bundle of decoys has them.

A token carries what it is: of which kind, planted where, the how manieth there. It is enciphered so that without the
key it cannot be told from any other name of its form, and with the key needs no table to be known. Its bits are a MAC
of the content, and the content hidden under that (a synthetic initialisation vector, the idea of RFC 5297, on the 122
free bits of a UUID of version 4). Another UUID is taken for a token once in 2^60.

An address of e-mail has no room for that: it ends in six digits that are a MAC of what stands before them plus the
number of the place, and counts at the operator's own domains only. Who makes one up there is taken for a reader of the
bundle once in 10,000.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from hashlib import blake2b
from typing import Literal
from uuid import UUID

from app.camouflage.errors import ImpossibleBundle
from app.camouflage.key import CamouflageKey, mac

PLACES = 100
"""Where tokens are planted is said by a number below this one; the operator knows what stands for what."""
ROWS = 1 << 32
"""Tokens of each kind that one place has room for."""

MIDDLE = re.compile(rb"-4[0-9a-fA-F]{3}-[89abAB]")
"""What every UUID of version 4 has in its middle: found in a third of the time that a whole one takes."""
UUID_TEXT = re.compile(rb"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-4[0-9a-fA-F]{3}-[89abAB][0-9a-fA-F]{3}-[0-9a-fA-F]{12}")
_BEFORE, _AFTER = 13, 23
"""Characters of a UUID before its middle, and from there on."""
_DIGITS = 6
_SPAN = 10**_DIGITS
_HIDDEN = 62
_TAG = 60
_HIDDEN_MASK = (1 << _HIDDEN) - 1


class Kind(StrEnum):
    """What a token looks like."""

    ACCOUNT = "account"
    CREDENTIAL = "credential"
    EMAIL = "email"


_NUMBERS = {Kind.ACCOUNT: 1, Kind.CREDENTIAL: 2}
_KINDS = {number: kind for kind, number in _NUMBERS.items()}


@dataclass(frozen=True, slots=True)
class Canary:
    """A token, as the operator sees it."""

    kind: Kind
    place: int
    index: int | None
    """The how manieth of its place; None for an address, which tells itself who is meant."""
    token: str

    @property
    def name(self) -> str:
        """The same for every time that the token is presented, and no secret."""
        return f"{self.kind}-{self.place}-{self.token if self.index is None else self.index}"


class Canaries:
    """Makes tokens, and knows them again."""

    def __init__(self, key: CamouflageKey) -> None:
        self._tags = key.of("tags of canaries")
        self._pads = key.of("contents of canaries")
        self._addresses = key.of("addresses of canaries")
        self._address = _addresses_at(key.domains)

    def token(self, kind: Literal[Kind.ACCOUNT, Kind.CREDENTIAL], place: int, index: int) -> UUID:
        """A name for the `index`th of a place; raises ImpossibleBundle."""
        check_place(place)
        if not 0 <= index < ROWS:
            raise ImpossibleBundle(f"a place has {ROWS} rows: there is no row {index}")
        content = (_NUMBERS[kind] << 52) | (place << 32) | index
        tag = self._tag(content)
        return _uuid(tag << _HIDDEN | content ^ self._pad(tag))

    def email(self, local: str, domain: str, place: int) -> str:
        """An address that begins with `local`, at one of the operator's domains; raises ImpossibleBundle."""
        check_place(place)
        return f"{local}{(self._number(local, domain) + place) % _SPAN:0{_DIGITS}}@{domain}"

    def read(self, token: UUID) -> Canary | None:
        """What a UUID of version 4 is; None for one that is no token."""
        bits = _bits(token.int)
        tag = bits >> _HIDDEN
        content = bits & _HIDDEN_MASK ^ self._pad(tag)
        kind = _KINDS.get(content >> 52)
        place, index = content >> 32 & 0xFFFFF, content & 0xFFFFFFFF
        if kind is None or place >= PLACES or self._tag(content) != tag:
            return None
        return Canary(kind, place, index, str(token))

    def read_email(self, local: str, domain: str) -> Canary | None:
        """What an address is; None for one that is no token."""
        written = local[-_DIGITS:]
        if not (len(written) == _DIGITS and written.isascii() and written.isdigit()):
            return None
        place = (int(written) - self._number(local[:-_DIGITS], domain)) % _SPAN
        return Canary(Kind.EMAIL, place, None, f"{local}@{domain}") if place < PLACES else None

    def found(self, text: bytes) -> Iterator[Canary]:
        """The tokens in a text, in any case of letters; those of credentials stand in no text as they are."""
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

    def _number(self, local: str, domain: str) -> int:
        number: int = int.from_bytes(mac(self._addresses, local, domain)) % _SPAN
        return number


def check_place(place: int) -> None:
    """Raises ImpossibleBundle."""
    if not 0 <= place < PLACES:
        raise ImpossibleBundle(f"the place is {place}: it is a number from 0 to {PLACES - 1}")


def _addresses_at(domains: tuple[str, ...]) -> re.Pattern[bytes]:
    ends = "|".join(re.escape(domain) for domain in domains)
    pattern = rf"[a-z0-9._-]{{1,58}}[0-9]{{{_DIGITS}}}@(?:{ends})(?![a-z0-9-]|\.[a-z0-9])"
    return re.compile(pattern.encode(), re.IGNORECASE)


def _uuid(bits: int) -> UUID:
    """A UUID of version 4 whose free bits are these 122."""
    high, low = bits >> 62, bits & _HIDDEN_MASK
    return UUID(int=(high >> 12 << 80) | (4 << 76) | ((high & 0xFFF) << 64) | (2 << 62) | low)


def _bits(number: int) -> int:
    return (number >> 80 << 74) | ((number >> 64 & 0xFFF) << 62) | (number & _HIDDEN_MASK)
