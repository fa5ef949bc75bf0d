"""Values survive the way through the engine's encoding."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localcloud.contract import UNKNOWN
from localcloud.provider import wire
from localcloud.provider.wire import from_document, from_struct, from_value, to_document, to_struct, to_value

texts = st.text(max_size=12).filter(lambda text: text not in wire.UNKNOWN_TEXTS and text != wire.SIGNATURE)
assets = st.builds(
    lambda signature, text: wire.WireAsset(
        kind=wire.ASSETS[signature], hash=text, fields={wire.SIGNATURE: signature, "hash": text, "text": text}
    ),
    st.sampled_from(sorted(wire.ASSETS)),
    texts,
)
numbers = st.integers(-(2**53) + 1, 2**53 - 1) | st.floats(allow_nan=False)
scalars = st.none() | st.booleans() | numbers | texts | assets
values = st.recursive(scalars, lambda inner: st.lists(inner) | st.dictionaries(texts, inner), max_leaves=20)
values_of_a_preview = st.recursive(
    scalars | st.just(UNKNOWN), lambda inner: st.lists(inner) | st.dictionaries(texts, inner), max_leaves=20
)


def typed(value: Any) -> str:
    """A form in which 1, 1.5, True and "1" all differ, and 1 equals 1.0."""
    if isinstance(value, wire.WireAsset):
        return f"{value.kind} {typed(value.fields)}"
    if isinstance(value, dict):
        return str({key: typed(item) for key, item in sorted(value.items())})
    if isinstance(value, list):
        return str([typed(item) for item in value])
    if isinstance(value, float) and value.is_integer() and abs(value) < wire.EXACT_INTEGERS:
        value = int(value)
    return f"{type(value).__name__}:{value!r}"


@pytest.mark.slow
@given(st.dictionaries(texts, values_of_a_preview, max_size=5))
def test_values_come_back_as_they_went(properties):
    assert typed(from_struct(to_struct(properties))) == typed(properties)


@given(values)
def test_a_record_is_json_and_gives_the_values_back(value):
    assert typed(from_document(json.loads(json.dumps(to_document(value))))) == typed(value)


@pytest.mark.parametrize("text", sorted(wire.UNKNOWN_TEXTS))
def test_every_reserved_text_is_an_unknown_value(text):
    assert from_struct(to_struct({"a": [text]})) == {"a": [UNKNOWN]}


@pytest.mark.parametrize(
    ("wrapped", "plain"),
    [
        ({wire.SIGNATURE: wire.SECRET, "value": "hush"}, "hush"),
        ({wire.SIGNATURE: wire.OUTPUT, "value": 5, "secret": True}, 5),
        ({wire.SIGNATURE: wire.OUTPUT, "dependencies": ["urn:pulumi:x"]}, UNKNOWN),
        ({wire.SIGNATURE: wire.RESOURCE, "urn": "urn:pulumi:x", "id": "vpc-1"}, "vpc-1"),
        ({wire.SIGNATURE: wire.RESOURCE, "urn": "urn:pulumi:x"}, "urn:pulumi:x"),
        ({wire.SIGNATURE: "of a later protocol", "value": 1}, {wire.SIGNATURE: "of a later protocol", "value": 1}),
    ],
)
def test_wrappers_of_the_engine_are_taken_off(wrapped, plain):
    assert from_struct(to_struct({"a": {"b": wrapped}})) == {"a": {"b": plain}}


def test_whole_numbers_arrive_as_int_and_others_as_float():
    arrived = from_struct(to_struct({"whole": 3.0, "part": 3.5, "huge": 1e300, "truth": True}))
    assert {key: type(value) for key, value in arrived.items()} == {
        "whole": int,
        "part": float,
        "huge": float,
        "truth": bool,
    }


def test_a_value_of_another_language_is_refused():
    with pytest.raises(TypeError, match="object has no form on the wire"):
        to_value(object())


def test_a_value_that_is_not_set_is_none():
    assert from_value(to_value(None)) is None
