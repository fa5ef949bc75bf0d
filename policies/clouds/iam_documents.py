"""AWS policy documents: IAM, bucket, key and queue policies are all lists of statements."""

from __future__ import annotations

import re

from policies.clouds.addresses import Ranges
from policies.values import WrongShape, unwrap
from policies.view import View

EVERYONE = "*"


def statements(document: View) -> tuple[View, ...]:
    """Return the statements, also one alone without a list; raises WrongShape for anything else."""
    found = document.objects("Statement", alone=True)
    if not found and any(True for _ in document.entries()):
        raise WrongShape(document.path, "a policy with statements", document.value)
    return found


def allows(statement: View) -> bool:
    """Tell whether it grants something, rather than denies it."""
    return statement.text("Effect") == "Allow"


def actions(statement: View) -> frozenset[str]:
    """Return the actions of a statement in lower case, for AWS ignores it; `NotAction` is left out."""
    return frozenset(action.lower() for action in statement.texts("Action", alone=True))


def resources(statement: View) -> frozenset[str]:
    """Return the ARNs of a statement, with their wildcards."""
    return frozenset(statement.texts("Resource", alone=True))


def principals(statement: View) -> frozenset[str]:
    """Return all principals of a statement: accounts, services, federated identities, everyone as `*`."""
    value = dict(statement.entries()).get("Principal")
    if not isinstance(unwrap(value, f"{statement.path}.Principal"), dict):
        return frozenset(statement.texts("Principal", alone=True))
    kinds = statement.object("Principal")
    return frozenset(name for kind, _ in kinds.entries() for name in kinds.texts(kind, alone=True))


NARROWING = frozenset(
    (
        *("aws:principalorgid", "aws:principalorgpaths", "aws:principalaccount", "aws:principalarn"),
        *("aws:sourceorgid", "aws:sourceorgpaths", "aws:sourceaccount", "aws:sourcearn", "aws:sourceowner"),
        *("aws:sourcevpc", "aws:sourcevpce", "aws:userid", "kms:calleraccount", "s3:dataaccesspointaccount"),
    )
)
"""Keys of conditions that leave only somebody of everybody (AWS IAM, global condition context keys)."""
_POSITIVE = re.compile(
    r"(foranyvalue:)?(stringequals|stringequalsignorecase|stringlike|arnequals|arnlike)", re.IGNORECASE
)
"""Operators that want a value to be there; `…IfExists`, `…Not…` and `ForAllValues:…` do not."""

_WILDCARD = re.compile(r"[*?]")
_OWNER = 12
"""The length of an account's id."""


_ADDRESSES = re.compile(r"(foranyvalue:)?ipaddress", re.IGNORECASE)
_SOURCE = "aws:sourceip"
"""Addresses of the internet, each of them somebody's; those inside networks of AWS are many people's at once."""


def is_narrowed(statement: View) -> bool:
    """Tell whether a condition narrows who may ask: one key, compared with a value that is not everything."""
    wanted = condition_values(statement)
    if any(key.lower() in NARROWING and _all_somebody(values) for key, values in wanted.items()):
        return True
    sources = condition_values(statement, _ADDRESSES)
    return any(key.lower() == _SOURCE and values and not _any_open(values) for key, values in sources.items())


def _any_open(blocks: tuple[str, ...]) -> bool:
    return Ranges().any_open(blocks, f"Condition.{_SOURCE}")


def _all_somebody(values: tuple[str, ...]) -> bool:
    return bool(values) and all(map(_names_somebody, values))


def _names_somebody(value: str) -> bool:
    """Tell whether enough stands before the first wildcard to tell one owner from all others."""
    if value.startswith("arn:"):
        account, resource = [*value.split(":", 5), "", "", "", ""][4:6]
        return not _WILDCARD.search(account) and bool(account or _WILDCARD.split(resource)[0])
    literal, *wildcards = _WILDCARD.split(value)
    return bool(literal) and (not wildcards or len(literal) >= _OWNER)


def admits_everyone(statement: View) -> bool:
    """Tell whether it grants something to everybody, or to all but a few, and no condition leaves only somebody."""
    if statement.text("Effect") == "Deny":
        return False
    return (EVERYONE in principals(statement) or statement.exists("NotPrincipal")) and not is_narrowed(statement)


def condition_values(statement: View, operators: re.Pattern[str] = _POSITIVE) -> dict[str, tuple[str, ...]]:
    """Return the values that the conditions of a statement require, by key."""
    conditions = statement.object("Condition")
    found: dict[str, tuple[str, ...]] = {}
    for operator, _ in conditions.entries():
        if operators.fullmatch(operator):
            comparison = conditions.object(operator)
            found |= {key: _values(comparison, key) for key, _ in comparison.entries()}
    return found


def _values(comparison: View, key: str) -> tuple[str, ...]:
    """Return the values under a key, which may hold dots."""
    value = dict(comparison.entries())[key]
    return View(value={"_": value}, path=f"{comparison.path}.{key}").texts("_", alone=True)
