"""Tags as labels: Google's alphabet is smaller, and no tag may be lost for it."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from components.common import add_name, to_labels

keys = st.sampled_from(["owner", "environment", "data-classification", "cost-centre", "expiry"])


@given(st.dictionaries(keys, st.text(max_size=120)))
def test_every_tag_becomes_a_label_that_google_takes(tags: dict[str, str]) -> None:
    made = to_labels(tags)
    assert set(made) == set(tags)
    assert all(re.fullmatch(r"[a-z0-9_-]{0,63}", value) for value in made.values())


def test_an_owner_stays_recognisable() -> None:
    assert to_labels({"owner": "Ledger-Team@example.com"}) == {"owner": "ledger-team-example-com"}


def test_a_name_is_added_to_the_tags_and_not_to_the_callers_own() -> None:
    tags = {"owner": "ledger"}
    assert add_name(tags, "test") == {"owner": "ledger", "Name": "test"}
    assert tags == {"owner": "ledger"}
