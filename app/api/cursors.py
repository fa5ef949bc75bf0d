"""Cursors: where a page ended, in a form that clients cannot make sense of and cannot change unnoticed.

A cursor lets nobody see more than the request that it comes with; its seal is there so that a mistake is told as one.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from hashlib import blake2b
from hmac import compare_digest

_BYTES = 8


class MalformedCursor(ValueError):
    """The text is no cursor of this list, or was changed."""

    def __init__(self) -> None:
        super().__init__("this is no cursor of this list: use the `next` of its last page as it was given")


class Cursors:
    """Writes and reads cursors; every process of an environment understands those of the others."""

    def __init__(self, environment: str) -> None:
        """`environment`: whatever tells this environment from others."""
        self._key = blake2b(environment.encode(), person=b"fortress cursor").digest()

    def write(self, pages: str, before: int) -> str:
        """A cursor for the list named `pages` that stands before the version `before`."""
        place = before.to_bytes(_BYTES)
        return urlsafe_b64encode(place + self._seal(pages, place)).decode().rstrip("=")

    def read(self, pages: str, cursor: str) -> int:
        """Where the cursor stands; raises MalformedCursor."""
        try:
            raw = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        except ValueError:
            raise MalformedCursor from None
        place, seal = raw[:_BYTES], raw[_BYTES:]
        if not compare_digest(seal, self._seal(pages, place)):
            raise MalformedCursor
        return int.from_bytes(place)

    def _seal(self, pages: str, place: bytes) -> bytes:
        return blake2b(pages.encode() + b"\0" + place, key=self._key, digest_size=_BYTES).digest()
