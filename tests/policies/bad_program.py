"""The Pulumi program that makes what `groups.json` beside it lists, each group under a component of its own type."""

from __future__ import annotations

import functools
import json
from pathlib import Path

import pulumi

PROVIDERS: dict[str, pulumi.ProviderResource] = {}


class Anything(pulumi.CustomResource):
    """A resource of any type with any properties."""


def provider(one):
    package = one["type"].partition(":")[0]
    key = json.dumps([package, one["provider"], one["cluster"]], sort_keys=True)
    if key not in PROVIDERS:
        PROVIDERS[key] = pulumi.ProviderResource(package, f"{package}-{len(PROVIDERS)}", one["provider"])
    return PROVIDERS[key]


def _or_urn(value, urn):
    return value or urn


def make(one, parent, subject):
    """`subject` is what properties named under `refers` come from."""
    given = dict(one["given"])
    for path in one["refers"]:
        root = path.partition(".")[0]
        given[root] = subject.urn.apply(functools.partial(_or_urn, given.get(root)))
    options = pulumi.ResourceOptions(
        parent=parent, provider=provider(one), protect=one["protect"], ignore_changes=one["ignoreChanges"]
    )
    return Anything(one["type"], one["name"], given, options)


for group in json.loads(Path(__file__).with_name("groups.json").read_text()):
    component = pulumi.ComponentResource(group["type"], "group")
    subject = None
    for one in group["resources"]:
        made = make(one, component, subject)
        subject = subject or made

# Of two environments in one stack, and without a provider: the engine then makes one that nobody has written down.
for name in ("production", "dev"):
    Anything("aws:ec2/vpc:Vpc", name, {"tags": {"environment": name}})
