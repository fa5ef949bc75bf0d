"""Cursors: the end of a page, in an opaque form that clients cannot change unnoticed.

A cursor grants no access. Its seal only makes sure that a wrong cursor is reported as an error.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from hashlib import blake2b
from hmac import compare_digest

_BYTES = 8


class MalformedCursor(ValueError):
    """The text is not a cursor of this list, or was changed."""

    def __init__(self) -> None:
        super().__init__("not a cursor of this list: pass the `next` of its last page unchanged")


class Cursors:
    """Writes and reads cursors. All processes of an environment share them."""

    def __init__(self, environment: str) -> None:
        """`environment` is a text that differs between environments."""
        self._key = blake2b(environment.encode(), person=b"fortress cursor").digest()

    def write(self, pages: str, before: int) -> str:
        """Return the cursor of the list `pages` for entries before the version `before`."""
        place = before.to_bytes(_BYTES)
        return urlsafe_b64encode(place + self._seal(pages, place)).decode().rstrip("=")

    def read(self, pages: str, cursor: str) -> int:
        """Return the version of a cursor; raise MalformedCursor."""
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
