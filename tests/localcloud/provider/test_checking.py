"""Whatever a program gives, a check answers: with inputs, or with what is wrong with them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from localcloud.contract import UNKNOWN
from localcloud.provider.checking import checked, difference
from localcloud.provider.kubernetes import HELM_RELEASE
from localcloud.provider.naming import Urn

TOKENS = {
    "aws": ("aws:ec2/securityGroup:SecurityGroup", "aws:s3/bucket:Bucket", "aws:no/such:Type"),
    "azure-native": ("azure-native:network:VirtualNetwork", "azure-native:storage:StorageAccount"),
    "gcp": ("gcp:sql/databaseInstance:DatabaseInstance", "gcp:compute/network:Network"),
    "kubernetes": (
        "kubernetes:core/v1:Pod",
        "kubernetes:example.com/v1:Probe",
        HELM_RELEASE,
        "kubernetes:core/v1:Nothing",
    ),
}
KEYS = st.sampled_from(["name", "metadata", "annotations", "namespace", "tags", "spec", "settings", "__defaults", "x"])
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.just(UNKNOWN)
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner), max_leaves=8)
INPUTS = st.dictionaries(KEYS, VALUES, max_size=5)


@pytest.mark.slow
@pytest.mark.parametrize("package", TOKENS)
@settings(max_examples=60)
@given(data=st.data(), inputs=INPUTS)
def test_a_check_always_answers(package: str, data: st.DataObject, inputs: dict[str, Any]) -> None:
    token = data.draw(st.sampled_from(TOKENS[package]))
    urn = Urn.parse(f"urn:pulumi:test::project::{token}::it")
    new, problems = checked(package, urn, inputs, {}, b"seed", None)
    assert all(problem.message for problem in problems)
    if not problems:
        again, _ = checked(package, urn, inputs, new, b"other", None)
        assert again == new
        assert difference(package, token, new, again).changes == ()
