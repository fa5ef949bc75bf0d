"""What the components of all clouds share: names of clouds, tags, IAM documents, and options for children."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

import pulumi

Cloud = Literal["aws", "azure", "gcp"]

Tags = Mapping[str, str]
"""owner, environment, data-classification, cost-centre, and expires where the environment is temporary."""

_LONGEST = 63  # Resource Manager, requirements for labels: keys and values of at most 63 characters


def to_labels(tags: Tags) -> dict[str, str]:
    """Return the tags as GCP labels, which allow fewer characters: `team@example.com` becomes `team-example-com`."""
    return {_to_label(key): _to_label(value) for key, value in tags.items()}


def add_name(tags: Tags, name: str) -> dict[str, str]:
    """Return the tags with the `Name` tag that AWS consoles show."""
    return {**tags, "Name": name}


def add_purpose(tags: Tags, purposes: Iterable[str]) -> dict[str, str]:
    """Return the tags of a key, with its purposes, if any, in characters that all three clouds allow."""
    purpose = "-".join(sorted(purposes))
    return {**tags, "purpose": purpose} if purpose else dict(tags)


def _to_label(text: str) -> str:
    return re.sub(r"[^a-z0-9_-]+", "-", text.lower())[:_LONGEST].strip("-")


def make_iam_document(statements: Sequence[Mapping[str, object]]) -> str:
    """Return an IAM policy document as JSON text."""
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def make_trust_document(service: str, actions: str | Sequence[str] = "sts:AssumeRole") -> str:
    """Return an IAM policy document that lets an AWS service assume the role."""
    return make_iam_document([{"Effect": "Allow", "Principal": {"Service": service}, "Action": actions}])


def child_of(
    parent: pulumi.Resource,
    opts: pulumi.ResourceOptions | None,
    *,
    protect: bool = False,
    after: Sequence[pulumi.Resource] = (),
    ignore_changes: Sequence[str] = (),
    providers: Sequence[pulumi.ProviderResource] = (),
) -> pulumi.ResourceOptions:
    """Return options for a child of `parent` that also waits for what `opts` waits for.

    Pulumi does not pass `depends_on` to children. Without this they would be created and deleted in any order.
    """
    return pulumi.ResourceOptions(
        parent=parent,
        protect=protect or None,
        depends_on=[*_as_list(opts.depends_on if opts else None), *after] or None,
        ignore_changes=list(ignore_changes) or None,
        providers=list(providers) or None,
    )


def _as_list(depends_on: Any) -> list[Any]:
    if depends_on is None:
        return []
    return list(depends_on) if isinstance(depends_on, Sequence) else [depends_on]
