"""Functions of the AWS provider."""

from __future__ import annotations

import json
import secrets
import string
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from localcloud.provider.invokes import Arguments, Function
    from localcloud.provider.lifecycle import Lifecycle

DEFAULT_REGION = "eu-central-1"
ZONE_LETTERS = "abc"
POLICY_VERSION = "2012-10-17"
PASSWORD_LENGTH = 32
PASSWORD_LETTERS: Mapping[str, str] = {
    "excludeLowercase": string.ascii_lowercase,
    "excludeUppercase": string.ascii_uppercase,
    "excludeNumbers": string.digits,
    "excludePunctuation": string.punctuation,
}
"""What leaves letters out of a password, and which."""


def _account(lifecycle: Lifecycle) -> str:
    accounts = lifecycle.provider["allowedAccountIds"]
    return str(accounts[0] if isinstance(accounts, list) else accounts)


def _region_name(arguments: Arguments, lifecycle: Lifecycle) -> str:
    return str(arguments.get("region") or lifecycle.provider.get("region") or DEFAULT_REGION)


def caller_identity(_arguments: Arguments, lifecycle: Lifecycle) -> dict[str, Any]:
    """Who is asking: nobody, in the simulated account."""
    account = _account(lifecycle)
    return {
        "accountId": account,
        "arn": f"arn:aws:iam::{account}:user/localcloud",
        "id": account,
        "userId": "AIDALOCALCLOUD",
    }


def region(arguments: Arguments, lifecycle: Lifecycle) -> dict[str, Any]:
    """The provider's region."""
    name = _region_name(arguments, lifecycle)
    return {
        "id": name,
        "name": name,
        "region": name,
        "description": name,
        "endpoint": f"ec2.{name}.amazonaws.com",
    }


def partition(_arguments: Arguments, _lifecycle: Lifecycle) -> dict[str, Any]:
    """The partition of commercial regions."""
    return {"id": "aws", "partition": "aws", "dnsSuffix": "amazonaws.com", "reverseDnsPrefix": "com.amazonaws"}


def availability_zones(arguments: Arguments, lifecycle: Lifecycle) -> dict[str, Any]:
    """Three zones, less those that are excluded."""
    name = _region_name(arguments, lifecycle)
    names = [name + letter for letter in ZONE_LETTERS]
    kept = [zone for zone in names if zone not in arguments.get("excludeNames", ())]
    return {
        **arguments,
        "id": name,
        "region": name,
        "names": kept,
        "zoneIds": [f"{name}-az{names.index(zone) + 1}" for zone in kept],
        "groupNames": [name],
    }


def random_password(arguments: Arguments, lifecycle: Lifecycle) -> dict[str, Any]:
    """Another password on every call; nobody keeps it but who asked."""
    alphabet = "".join(letters for excluded, letters in PASSWORD_LETTERS.items() if not arguments.get(excluded, False))
    usable = [letter for letter in alphabet if letter not in arguments.get("excludeCharacters", "")]
    length = int(arguments.get("passwordLength") or PASSWORD_LENGTH)
    return {
        **arguments,
        "id": _region_name(arguments, lifecycle),
        "region": _region_name(arguments, lifecycle),
        "randomPassword": "".join(secrets.choice(usable) for _ in range(length)),
    }


def policy_document(arguments: Arguments, _lifecycle: Lifecycle) -> dict[str, Any]:
    """The JSON of a policy, joined from source documents and statements."""
    statements: list[Any] = []
    for source in (*_texts(arguments, "source"), *_own(arguments), *_texts(arguments, "override")):
        statements = _joined(statements, source)
    version = str(arguments.get("version") or POLICY_VERSION)
    document = {"Version": version, **_optional("Id", arguments.get("policyId")), "Statement": statements}
    minified = json.dumps(document, separators=(",", ":"))
    return {
        **arguments,
        "id": str(len(minified)),
        "version": version,
        "json": json.dumps(document, indent=2),
        "minifiedJson": minified,
    }


def _texts(arguments: Arguments, kind: str) -> Iterable[list[Any]]:
    for text in (*arguments.get(f"{kind}PolicyDocuments", ()), *filter(None, [arguments.get(f"{kind}Json")])):
        found = json.loads(text).get("Statement", [])
        yield found if isinstance(found, list) else [found]


def _own(arguments: Arguments) -> Iterable[list[Any]]:
    yield [_statement(statement) for statement in arguments.get("statements", ())]


def _joined(statements: list[Any], more: list[Any]) -> list[Any]:
    """Later statements stand in for earlier ones of the same Sid."""
    named = {statement.get("Sid") for statement in more} - {None, ""}
    return [statement for statement in statements if statement.get("Sid") not in named] + more


def _statement(given: Mapping[str, Any]) -> dict[str, Any]:
    return {
        **_optional("Sid", given.get("sid")),
        "Effect": given.get("effect") or "Allow",
        **_optional("Action", _one_or_many(given.get("actions"))),
        **_optional("NotAction", _one_or_many(given.get("notActions"))),
        **_optional("Resource", _one_or_many(given.get("resources"))),
        **_optional("NotResource", _one_or_many(given.get("notResources"))),
        **_optional("Principal", _principals(given.get("principals"))),
        **_optional("NotPrincipal", _principals(given.get("notPrincipals"))),
        **_optional("Condition", _conditions(given.get("conditions"))),
    }


def _principals(given: Any) -> Any:
    if not given:
        return None
    if len(given) == 1 and given[0]["type"] == "*" and given[0]["identifiers"] == ["*"]:
        return "*"
    return {principal["type"]: _one_or_many(principal["identifiers"]) for principal in given}


def _conditions(given: Any) -> Any:
    joined: dict[str, dict[str, Any]] = {}
    for condition in given or ():
        joined.setdefault(condition["test"], {})[condition["variable"]] = _one_or_many(condition["values"])
    return joined or None


def _one_or_many(values: Any) -> Any:
    return values[0] if values and len(values) == 1 else values or None


def _optional(key: str, value: Any) -> dict[str, Any]:
    return {} if value is None else {key: value}


FUNCTIONS: Mapping[str, Function] = {
    "aws:iam/getPolicyDocument:getPolicyDocument": policy_document,
    "aws:index/getAvailabilityZones:getAvailabilityZones": availability_zones,
    "aws:index/getCallerIdentity:getCallerIdentity": caller_identity,
    "aws:index/getPartition:getPartition": partition,
    "aws:index/getRegion:getRegion": region,
    "aws:secretsmanager/getRandomPassword:getRandomPassword": random_password,
}
