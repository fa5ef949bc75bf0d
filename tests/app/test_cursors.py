"""Cursors: read back as they were written, and by nobody else's rules."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.api.cursors import Cursors, MalformedCursor

CURSORS = Cursors("test")


@given(st.text(max_size=70), st.integers(0, 2**63 - 1))
def test_a_cursor_is_read_back_as_it_was_written(pages: str, before: int) -> None:
    assert CURSORS.read(pages, CURSORS.write(pages, before)) == before


@given(st.text(max_size=60))
def test_made_up_text_is_no_cursor(text: str) -> None:
    with pytest.raises(MalformedCursor):
        CURSORS.read("statement of alice", text)


@given(st.integers(0, 2**63 - 1), st.integers(0, 15), st.integers(1, 255))
def test_a_cursor_that_was_changed_is_refused(before: int, place: int, flip: int) -> None:
    raw = bytearray(base64.urlsafe_b64decode(CURSORS.write("pages", before) + "=="))
    raw[place] ^= flip
    with pytest.raises(MalformedCursor):
        CURSORS.read("pages", base64.urlsafe_b64encode(raw).decode().rstrip("="))


def test_a_cursor_of_another_list_or_environment_is_refused() -> None:
    cursor = CURSORS.write("statement of alice", 7)
    for cursors, pages in ((CURSORS, "statement of bob"), (Cursors("other"), "statement of alice")):
        with pytest.raises(MalformedCursor):
            cursors.read(pages, cursor)
