"""Who means whom in a stack: found by an index, the same as by asking every pair."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from policies import Resource, Stack, View
from tests.policies.cases import UNKNOWN

BUCKET, POLICY, OTHER = "aws:s3/bucket:Bucket", "aws:s3/bucketPolicy:BucketPolicy", "aws:s3/bucketAcl:BucketAcl"


def urn(token: str, name: str) -> str:
    return f"urn:pulumi:test::shop::{token}::{name}"


def resource(token: str, name: str, *, of: str = "", outputs: dict[str, Any] | None = None, **value: Any) -> Resource:
    """One that is there; what it means, by its property `bucket`, came from the bucket `of`."""
    joins = {"bucket": (urn(BUCKET, of),)} if of else {}
    shown = View(value=outputs or {}, path="outputs")
    return Resource(value=value, urn=urn(token, name), type=token, property_dependencies=joins, outputs=shown)


def named(found: tuple[Resource, ...]) -> list[str]:
    return [one.name for one in found]


def test_companions_come_in_the_order_of_types_and_of_the_stack() -> None:
    bucket = resource(BUCKET, "logs", bucket="logs")
    stack = Stack(
        [
            resource(POLICY, "second", bucket="logs"),
            resource(OTHER, "acl", bucket="logs"),
            bucket,
            resource(POLICY, "first", bucket="logs"),
            resource(POLICY, "stranger", bucket="other"),
        ]
    )
    assert named(stack.companions(bucket, OTHER, POLICY, by="bucket")) == ["acl", "second", "first"]


def test_one_that_means_a_resource_in_two_ways_is_one_companion() -> None:
    bucket = resource(BUCKET, "logs", bucket="logs", outputs={"id": "logs", "arn": "arn:aws:s3:::logs"})
    both = resource(POLICY, "both", of="logs", bucket=["logs", "arn:aws:s3:::logs"])
    assert named(Stack([bucket, both]).companions(bucket, POLICY, by="bucket")) == ["both"]


def test_a_value_that_is_not_known_means_what_it_came_from_alone() -> None:
    one, two = resource(BUCKET, "one", bucket="one"), resource(BUCKET, "two", bucket=UNKNOWN)
    stack = Stack([one, two, resource(POLICY, "policy", of="two", bucket=UNKNOWN)])
    assert named(stack.companions(one, POLICY, by="bucket")) == []
    assert named(stack.companions(two, POLICY, by="bucket")) == ["policy"]


def test_what_is_not_in_the_stack_has_the_companions_that_name_it() -> None:
    gone = resource(BUCKET, "gone", bucket="gone")
    stack = Stack([resource(POLICY, "from", of="gone", bucket=UNKNOWN), resource(POLICY, "names", bucket="gone")])
    assert named(stack.companions(gone, POLICY, by="bucket")) == ["names"]


NAMES = ("a", "b", "c")
values = st.sampled_from([*NAMES, UNKNOWN]) | st.lists(st.sampled_from([*NAMES, UNKNOWN]), max_size=2) | st.none()
buckets = st.builds(
    lambda name, id_, arn: resource(BUCKET, name, bucket=id_, outputs={"arn": arn}),
    st.sampled_from(NAMES),
    values,
    st.sampled_from(["a", "d", UNKNOWN]),
)
policies = st.builds(
    lambda token, name, value, of: resource(token, name, bucket=value, of=of),
    st.sampled_from([POLICY, OTHER]),
    st.sampled_from("pqrs"),
    values,
    st.sampled_from(["", *NAMES]),
)


@given(st.lists(buckets | policies, max_size=9, unique_by=lambda one: one.urn), buckets)
def test_the_companions_are_all_that_refer(resources: list[Resource], stranger: Resource) -> None:
    stack = Stack(resources)
    assert list(stack) == resources
    for bucket in (*stack.of_type(BUCKET), stranger):
        expected = [one for one in stack.of_type(OTHER, POLICY) if stack.refers(one, "bucket", bucket)]
        assert list(stack.companions(bucket, OTHER, POLICY, by="bucket")) == expected
