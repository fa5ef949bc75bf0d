"""Names: whatever an environment is called, every service accepts what comes out, and two things never share a name."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components import naming
from components.naming import NameTooPoor, Rule, fit

RULES = {key: rule for key, rule in vars(naming).items() if isinstance(rule, Rule)}
words = st.from_regex(r"[a-z][a-z0-9-]{0,80}", fullmatch=True)
rules = st.sampled_from(sorted(RULES))


@given(rule=rules, parts=st.lists(words, min_size=1, max_size=4), salt=st.sampled_from(["", "account", "2"]))
def test_every_name_keeps_to_its_rule(rule: str, parts: list[str], salt: str) -> None:
    limits = RULES[rule]
    name = fit(limits, *parts, salt=salt)
    assert limits.shortest <= len(name) <= limits.longest
    # The strictest alphabet among the services: RDS and Key Vault refuse two hyphens in a row and one at the end.
    assert re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*" if limits.separator else r"[a-z][a-z0-9]*", name)


@given(rule=rules, parts=st.lists(words, min_size=1, max_size=4))
def test_the_same_parts_give_the_same_name(rule: str, parts: list[str]) -> None:
    assert fit(RULES[rule], *parts) == fit(RULES[rule], *parts)


@given(
    rule=rules,
    common=st.from_regex(r"[a-z]{90,120}", fullmatch=True),
    ends=st.lists(words, min_size=2, max_size=6, unique=True),
)
def test_long_names_that_begin_alike_stay_different(rule: str, common: str, ends: list[str]) -> None:
    if RULES[rule].longest < len(common):
        assert len({fit(RULES[rule], common, end) for end in ends}) == len(ends)


@pytest.mark.parametrize("rule", sorted(RULES))
def test_short_names_stay_as_they_are(rule: str) -> None:
    limits = RULES[rule]
    assert fit(limits, "preview-7", "gcp") == limits.separator.join(["preview", "7", "gcp"])


def test_a_salt_makes_a_name_unique_and_keeps_it_readable() -> None:
    one, other = (fit(naming.KEY_VAULT, "production-azure", salt=salt) for salt in ("subscription-1", "subscription-2"))
    assert one != other
    assert one.startswith("production-azure-")


@pytest.mark.parametrize("parts", [("",), ("---",), ("7-days",)])
def test_a_name_of_nothing_usable_is_refused(parts: Any) -> None:
    with pytest.raises(NameTooPoor, match="must begin with a letter"):
        fit(naming.GCP_RESOURCE, *parts)


def test_every_rule_says_where_it_comes_from() -> None:
    assert RULES
    assert all(len(rule.source) > 20 for rule in RULES.values())
