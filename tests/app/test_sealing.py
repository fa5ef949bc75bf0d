"""What is sealed opens in its own place only, and not at all without its key."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.personal_data import SEALED, Erased, InvalidPersonalData, SealBroken, SubjectKey, seal, subjects_of, unseal
from app.personal_data.sealing import has_any

ANNA = SubjectKey("anna", b"a" * 32)
BERT = SubjectKey("bert", b"b" * 32)

names = st.text(min_size=1, max_size=8).filter(lambda name: name != SEALED and "." not in name)
plain = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=8,
)
documents = st.dictionaries(names, plain, max_size=5)


def envelope(document: dict[str, Any]) -> dict[str, Any]:
    inside: dict[str, Any] = document[SEALED]
    return inside


@given(documents, st.data())
def test_what_is_sealed_opens_to_what_it_was(document: dict[str, Any], data: st.DataObject) -> None:
    fields = data.draw(st.lists(st.sampled_from(sorted(document)), unique=True)) if document else []
    stored = orjson.loads(orjson.dumps(seal(document, fields, ANNA)))
    assert unseal(stored, {"anna": ANNA}) == document
    assert subjects_of(stored) == ({"anna"} if fields else set())


@given(documents, st.data())
def test_without_the_key_what_was_personal_is_erased_and_the_rest_stays(
    document: dict[str, Any], data: st.DataObject
) -> None:
    fields = data.draw(st.lists(st.sampled_from(sorted(document)), unique=True)) if document else []
    read = unseal(seal(document, fields, ANNA), {"anna": None})
    assert read == {name: Erased("anna") if name in fields else value for name, value in document.items()}


@given(st.text(min_size=6, alphabet="abcdefghijklmnop"))
def test_no_personal_text_is_left_in_the_clear(secret: str) -> None:
    document = {"holder": {"email": secret, "tags": [{"note": secret}]}, "amount": 5}
    sealed = seal(document, ["holder.email", "holder.tags.note"], ANNA)
    assert secret.encode() not in orjson.dumps(sealed)
    assert unseal(sealed, {"anna": ANNA}) == document


def test_the_same_value_never_looks_the_same_twice() -> None:
    values = {envelope(ANNA.seal("email", "a@example.com"))["value"] for _ in range(1000)}
    assert len(values) == 1000


def test_values_of_similar_length_have_the_same_length_when_sealed() -> None:
    assert len({len(envelope(ANNA.seal("name", "x" * length))["value"]) for length in range(14)}) == 1


def test_a_sealed_value_does_not_open_in_another_field() -> None:
    document = seal({"email": "a@example.com", "phone": None}, ["email"], ANNA)
    with pytest.raises(SealBroken, match="phone of anna"):
        unseal({"phone": document["email"]}, {"anna": ANNA})


def test_a_sealed_value_does_not_open_as_another_subjects() -> None:
    sealed = ANNA.seal("email", "a@example.com")
    claimed = {SEALED: envelope(sealed) | {"subject": "bert"}}
    with pytest.raises(SealBroken):
        unseal({"email": claimed}, {"bert": BERT})
    same_secret = SubjectKey("bert", b"a" * 32)
    with pytest.raises(SealBroken):
        unseal({"email": claimed}, {"bert": same_secret})


@given(st.integers(min_value=0), st.integers(min_value=1, max_value=255))
def test_a_changed_byte_is_noticed(place: int, change: int) -> None:
    from base64 import b64decode, b64encode

    sealed = ANNA.seal("email", "a@example.com")
    secret = bytearray(b64decode(envelope(sealed)["value"]))
    secret[place % len(secret)] ^= change
    sealed[SEALED]["value"] = b64encode(secret).decode()
    with pytest.raises(SealBroken):
        unseal({"email": sealed}, {"anna": ANNA})


@pytest.mark.parametrize(
    "forged",
    [
        {SEALED: {}},
        {SEALED: "text"},
        {SEALED: {"subject": "anna", "value": "AAAA", "version": 1}},
        {SEALED: {"subject": "anna", "value": "not base64!", "version": 1}},
        {SEALED: {"subject": "anna", "value": "A" * 80, "version": 2}},
        {SEALED: {"subject": 7, "value": "A" * 80, "version": 1}},
        {SEALED: {"subject": "anna", "value": "A" * 80, "version": 1, "more": 1}},
        {SEALED: {"subject": "anna", "value": "A" * 80, "version": 1}, "more": 1},
    ],
)
def test_what_only_looks_sealed_is_refused(forged: dict[str, Any]) -> None:
    with pytest.raises(SealBroken):
        unseal({"email": forged}, {"anna": ANNA})
    with pytest.raises(SealBroken):
        unseal([{"email": forged}], {"anna": None})


@pytest.mark.parametrize("document", [{SEALED: 1}, {"a": {SEALED: {}}}, {"a": [{"b": [{SEALED: 1}]}]}])
def test_nobody_passes_plain_data_off_as_sealed(document: dict[str, Any]) -> None:
    with pytest.raises(InvalidPersonalData, match="marks sealed values"):
        seal(document, ["email"], ANNA)


def test_what_is_not_json_is_refused() -> None:
    with pytest.raises(InvalidPersonalData, match="email of anna is not JSON"):
        seal({"email": object()}, ["email"], ANNA)


@given(documents, st.sets(st.sampled_from(["a", "a.b", "b"])))
def test_a_key_is_asked_for_exactly_where_something_is_sealed(document: dict[str, Any], fields: set[str]) -> None:
    nested = document | {"a": [{"b": 1}]}
    assert has_any(nested, fields) == bool(subjects_of(seal(nested, fields, ANNA)))


def test_the_digest_of_content_depends_on_the_key() -> None:
    assert ANNA.digest(b"same") == ANNA.digest(b"same")
    assert ANNA.digest(b"same") != ANNA.digest(b"other")
    assert ANNA.digest(b"same") != BERT.digest(b"same")


def test_a_key_shows_nothing_of_itself() -> None:
    assert "a" * 32 not in repr(ANNA)
    with pytest.raises(SealBroken, match="31 bytes"):
        SubjectKey("anna", b"a" * 31)
