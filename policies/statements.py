"""AWS policy documents: IAM, bucket, key and queue policies are all lists of statements."""

from __future__ import annotations

from policies.values import opened
from policies.view import View

EVERYONE = "*"


def statements(document: View) -> tuple[View, ...]:
    """The statements; one alone may stand there without a list."""
    return document.objects("Statement", alone=True)


def allows(statement: View) -> bool:
    """Whether it grants something, rather than denies it."""
    return statement.text("Effect") == "Allow"


def actions(statement: View) -> frozenset[str]:
    """What it is about, in lower case, for AWS does not care; `NotAction` is not among them."""
    return frozenset(action.lower() for action in statement.texts("Action", alone=True))


def resources(statement: View) -> frozenset[str]:
    """The ARNs, with their wildcards, that it is about."""
    return frozenset(statement.texts("Resource", alone=True))


def principals(statement: View) -> frozenset[str]:
    """Whom it is about, of all kinds: accounts, services, federated identities, everyone as `*`."""
    value = dict(statement.entries()).get("Principal")
    if not isinstance(opened(value, f"{statement.path}.Principal"), dict):
        return frozenset(statement.texts("Principal", alone=True))
    kinds = statement.object("Principal")
    return frozenset(name for kind, _ in kinds.entries() for name in kinds.texts(kind, alone=True))
