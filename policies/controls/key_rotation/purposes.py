"""What keys are for: a key that encrypts one thing gives away, when it is lost, one thing."""

from __future__ import annotations

import itertools
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

from pydantic import Field

from policies import (
    LOW,
    MEDIUM,
    Options,
    Resource,
    Stack,
    Verdict,
    fails,
    in_stack,
    passes_if,
)
from policies.clouds.tags import tag
from policies.controls.key_rotation import AWS_KEY, AZURE_KEY, ENCRYPTS, GCP_KEY, control
from policies.controls.key_rotation.uses import ATTACHED, KINDS, SIGNATURES, USES

ALIAS = "aws:kms/alias:Alias"
WRAPS = {"wrapKey", "unwrapKey"}
_SHOWN = 3
"""So many users are named; more would make no difference."""


class Purpose(Options):
    """Options of KEY-007."""

    purpose_tag: str = Field(
        default="purpose", description=f"The tag that says what a key is for, such as databases-logs: {sorted(KINDS)}."
    )


Users = Mapping[str, list[str]]
"""The names of those that use a key, by their kind."""


def users(key: Resource, stack: Stack) -> Users:
    """List what the resources of the stack encrypt or sign with the key, or by a name of it."""
    found: dict[str, list[str]] = defaultdict(list)
    names = [key, *stack.companions(key, ALIAS, by="targetKeyId")]
    for kind, types in USES.items():
        for token, paths in types.items():
            for name, path in itertools.product(names, paths):
                found[kind].extend(companion.name for companion in stack.companions(name, token, by=path))
    return {kind: sorted(set(named)) for kind, named in found.items() if named}


made_for = control(
    "KEY-007",
    title="Keys are used by what they were made for",
    severity=MEDIUM,
    maps={"soc2": ["CC6.1"], "iso27001": ["A.8.24"], "gdpr": ["Art. 32(1)(a)"], "pci_dss": ["3.6.1", "3.7.1"]},
    remedy="Say in the key's tag what it is for, and make another key for what it is not for.",
    options=Purpose,
)


@made_for
@in_stack(AWS_KEY, reads=["tags", "keyUsage"])
def kms_key_is_used_as_meant(key: Resource, stack: Stack, options: Purpose) -> Verdict:
    usage = key.text("keyUsage", ENCRYPTS)
    aliases = (alias.text("name") for alias in stack.companions(key, ALIAS, by="targetKeyId"))
    said = _kinds(tag(key, options.purpose_tag)) or _kinds(*aliases)
    return _as_meant(users(key, stack), said, encrypts=usage == ENCRYPTS, signs=usage == "SIGN_VERIFY")


@made_for
@in_stack(AZURE_KEY, reads=["tags", "keyName", "properties.keyOps"])
def vault_key_is_used_as_meant(key: Resource, stack: Stack, options: Purpose) -> Verdict:
    """A key to which nothing is said may do everything."""
    operations = set(key.texts("properties.keyOps"))
    said = _kinds(tag(key, options.purpose_tag)) or _kinds(key.text("keyName"))
    encrypts, signs = not operations or operations >= WRAPS, not operations or "sign" in operations
    return _as_meant(users(key, stack), said, encrypts=encrypts, signs=signs)


@made_for
@in_stack(GCP_KEY, reads=["labels", "name", "purpose"])
def crypto_key_is_used_as_meant(key: Resource, stack: Stack, options: Purpose) -> Verdict:
    purpose = key.text("purpose", ENCRYPTS)
    said = _kinds(tag(key, options.purpose_tag)) or _kinds(key.text("name"))
    return _as_meant(users(key, stack), said, encrypts=purpose == ENCRYPTS, signs=purpose == "ASYMMETRIC_SIGN")


def _kinds(*texts: str) -> frozenset[str]:
    """The kinds that a tag or a name speaks of."""
    return KINDS & {word for text in texts for word in re.findall(r"[a-z]+", text.lower())}


def _as_meant(used: Users, said: frozenset[str], *, encrypts: bool, signs: bool) -> Verdict:
    unable = [kind for kind in used if not (signs if kind == SIGNATURES else encrypts)]
    if unable:
        return fails(f"it was not made to serve {_shown(used, unable)}")
    if not said:
        return passes_if(len(used) <= 1, f"it does not say what it is for, and serves {_shown(used, used)}")
    strangers = [kind for kind in used if kind not in said]
    return passes_if(not strangers, f"it is for {' and '.join(sorted(said))}, and serves {_shown(used, strangers)}")


def _shown(used: Users, kinds: Iterable[str]) -> str:
    return ", ".join(f"{kind} ({', '.join(used[kind][:_SHOWN])})" for kind in kinds)


in_use = control(
    "KEY-008",
    title="Keys are in use",
    severity=LOW,
    maps={
        "soc2": ["CC6.1"],
        "iso27001": ["A.5.9", "A.8.24"],
        "gdpr": ["Art. 32(1)(a)"],
        "pci_dss": ["3.7.5"],
    },
    remedy="Retire the key once nothing is encrypted with it any more, or use it.",
)


@in_use
@in_stack(AWS_KEY, reads=[])
def kms_key_is_in_use(key: Resource, stack: Stack) -> Verdict:
    return _is_in_use(key, stack)


@in_use
@in_stack(AZURE_KEY, reads=[])
def vault_key_is_in_use(key: Resource, stack: Stack) -> Verdict:
    return _is_in_use(key, stack)


@in_use
@in_stack(GCP_KEY, reads=[])
def crypto_key_is_in_use(key: Resource, stack: Stack) -> Verdict:
    return _is_in_use(key, stack)


def _is_in_use(key: Resource, stack: Stack) -> Verdict:
    """A right to use it counts: somebody outside the stack may do so."""
    names = {key.urn, *(alias.urn for alias in stack.companions(key, ALIAS, by="targetKeyId"))}
    leaning = (
        resource for resource in stack if resource.type not in ATTACHED and not names.isdisjoint(_leans_on(resource))
    )
    return passes_if(bool(users(key, stack)) or any(True for _ in leaning), "nothing in the stack uses it")


def _leans_on(resource: Resource) -> Iterator[str]:
    for urns in resource.property_dependencies.values():
        yield from urns
