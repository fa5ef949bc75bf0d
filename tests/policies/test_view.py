"""The view of a resource: a value, a default, or the one signal; never a crash, never a guess."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pulumi_policy.deserialize import deserialize_properties
from pulumi_policy.proxy import unknown_checking_proxy

from policies import Undeterminable, Unknown, View, WrongShape
from policies.values import OUTPUT, REDACTED, SECRET, SIGNATURE, UNKNOWNS, secrets_in

UNKNOWN = min(UNKNOWNS)
QUESTIONS = ("text", "flag", "number", "has", "exists", "object", "objects", "texts", "table", "document", "documents")


def view(**properties: Any) -> View:
    return View(value=properties)


def secret(value: Any) -> dict[str, Any]:
    return {SIGNATURE: SECRET, "value": value}


scalars = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.sampled_from(sorted(UNKNOWNS))
)
marks = st.sampled_from([{SIGNATURE: SECRET, "ciphertext": "x"}, {SIGNATURE: OUTPUT}, {SIGNATURE: "asset"}, REDACTED])
values = st.recursive(
    scalars | marks,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("ab"), inner, max_size=2) | inner.map(secret)
    ),
    max_leaves=8,
)


@given(values, st.sampled_from(QUESTIONS), st.sampled_from(["a", "a.b", "a.b.a"]))
def test_a_question_ends_in_an_answer_or_in_the_signal(value: Any, question: str, path: str) -> None:
    with contextlib.suppress(Undeterminable):
        getattr(view(a=value), question)(path)


@given(values)
def test_an_unknown_value_is_never_shown(value: Any) -> None:
    for question in QUESTIONS:
        try:
            answer = getattr(view(a=value), question)("a")
        except Undeterminable:
            continue
        for item in answer if isinstance(answer, tuple) else [answer]:
            assert not isinstance(item, str) or item not in UNKNOWNS


@pytest.mark.parametrize("question", QUESTIONS)
@pytest.mark.parametrize(
    "hidden",
    [UNKNOWN, {SIGNATURE: OUTPUT}, {SIGNATURE: SECRET, "ciphertext": "x"}, REDACTED, secret(UNKNOWN)],
    ids=["unknown", "output", "encrypted", "redacted", "unknown secret"],
)
def test_every_question_signals_what_nobody_can_see(question: str, hidden: Any) -> None:
    with pytest.raises(Unknown) as signal:
        getattr(view(a={"b": hidden}), question)("a.b")
    assert signal.value.path == "a.b"


def test_a_secret_that_cannot_be_read_is_known_to_be_given() -> None:
    ciphertext = {SIGNATURE: SECRET, "ciphertext": "x"}
    assert view(a=ciphertext).is_given("a")
    assert view(a=REDACTED).is_given("a")
    assert view(a="shown").is_given("a")
    assert not view(a=None).is_given("a")
    with pytest.raises(Unknown):
        view(a=UNKNOWN).is_given("a")


def test_whole_numbers_and_lossless_texts_are_read_as_what_they_mean() -> None:
    assert view(a=7.0).number("a") == 7
    assert isinstance(view(a=7.0).number("a"), int)
    assert view(a="7").number("a") == 7
    assert view(a=7.0).text("a") == "7"
    assert view(a="true").flag("a") is True
    assert view(a=True).text("a") == "true"


def test_what_is_absent_or_null_is_the_default() -> None:
    for properties in ({}, {"a": None}, {"a": {}}, {"a": {"b": None}}):
        assert view(**properties).text("a.b") == ""
        assert view(**properties).flag("a.b", default=True) is True
        assert view(**properties).number("a.b", 3) == 3
        assert not view(**properties).has("a.b")
        assert view(**properties).objects("a.b") == ()


@pytest.mark.parametrize(
    ("question", "value"),
    [
        ("text", {}), ("text", []), ("flag", "yes"), ("flag", 1), ("number", True), ("number", "seven"), ("has", {}),
        ("object", []), ("objects", {}), ("objects", ["x"]), ("texts", "x"), ("texts", [{}]), ("table", "x"),
        ("document", "{"), ("document", "[]"), ("documents", "{}"),
    ],
)  # fmt: skip
def test_a_value_of_another_kind_signals_without_showing_it(question: str, value: Any) -> None:
    with pytest.raises(WrongShape) as signal:
        getattr(view(a=value), question)("a")
    assert "seven" not in str(signal.value)


def test_lists_on_the_way_are_passed_over() -> None:
    containers = view(pods=[{"containers": [{"name": "a"}, {"name": "b"}]}, {"containers": []}, {}])
    assert containers.texts("pods.containers.name") == ("a", "b")
    assert [container.path for container in containers.objects("pods.containers")] == [
        "pods[0].containers[0]",
        "pods[0].containers[1]",
    ]


def test_one_alone_counts_as_a_list_only_where_that_is_asked_for() -> None:
    assert view(a="x").texts("a", alone=True) == ("x",)
    assert [entry.text("b") for entry in view(a={"b": "x"}).objects("a", alone=True)] == ["x"]


def test_secrets_are_opened_and_known_as_secrets() -> None:
    hidden = view(a=secret({"b": "x"}), c={"d": secret("y")}, e="z", f=REDACTED)
    assert hidden.text("a.b") == "x"
    assert hidden.text("c.d") == "y"
    assert [hidden.is_secret(path) for path in ("a", "a.b", "c", "c.d", "e", "f", "nothing")] == [
        True, True, False, True, False, True, False,
    ]  # fmt: skip
    assert view(a={SIGNATURE: SECRET, "plaintext": '"x"'}).text("a") == "x"


@pytest.mark.parametrize("plaintext", ["{", "", 5, None, ["x"]])
def test_a_secret_whose_text_is_none_cannot_be_read_and_stops_nothing(plaintext: Any) -> None:
    broken = {SIGNATURE: SECRET, "plaintext": plaintext}
    with pytest.raises(Undeterminable, match="a is a secret that cannot be read"):
        view(a=broken).text("a")
    assert list(secrets_in({"a": broken, "b": secret("hunter22")})) == ["hunter22"]


def test_what_the_policy_sdk_hands_over_is_read_like_anything_else() -> None:
    raw = {"name": "a", "list": [{"x": 1.0}, {"x": UNKNOWN}], "late": UNKNOWN, "key": secret("k"), "none": None}
    guarded = View(value=unknown_checking_proxy(deserialize_properties(raw)))
    keeping = View(value=unknown_checking_proxy(deserialize_properties(raw, True)))
    for one in (guarded, keeping):
        assert one.text("name") == "a"
        assert one.text("key") == "k"
        assert one.text("none", "default") == "default"
        assert not one.exists("other")
        assert one.objects("list")[0].number("x") == 1
        with pytest.raises(Unknown, match=r"list\[1\].x is not known yet"):
            one.objects("list")[1].number("x")
        with pytest.raises(Unknown, match="late"):
            one.text("late")
    assert keeping.is_secret("key")


def test_an_error_names_the_whole_path_of_its_value() -> None:
    inner = View(value={"size": {"gigabytes": "many"}}, path="disks[0]")
    with pytest.raises(WrongShape, match=r"disks\[0\]\.size\.gigabytes"):
        inner.number("size.gigabytes")
    with pytest.raises(WrongShape, match=r"^size\.gigabytes"):
        view(size={"gigabytes": "many"}).number("size.gigabytes")
