"""Property values as the engine writes them: unknown, secret, proxied, or plain.

Three sources are read with the same code: what the engine sends to a policy pack, the JSON of a preview or of a state,
and the guarded values that pulumi-policy hands to its policies.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

# The marks that the engine puts into properties (Pulumi SDK, resource/properties.go and plugin/rpc.go).
SIGNATURE = "4dabf18193072939515e22adb298388d"
SECRET = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 - the mark, not a secret
OUTPUT = "d0e6a833031e9bbcd3f4e8bde6ca49a4"
UNKNOWNS = frozenset(
    {
        "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",
        "3eeb2bf0-c639-47a8-9e75-3b44932eb421",
        "04da6b54-80e4-46f7-96ec-b56ff0331ba9",
        "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",
        "030794c1-ac77-496b-92df-f27374a8bd58",
        "e48ece36-62e2-4504-bad9-02848725956a",
        "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",
    }
)
REDACTED = "[secret]"
"""What `pulumi preview --json`, and an analysis without the key, show in place of a secret."""
PROXIES = "pulumi_policy"
_TOO_SHORT = 4
"""A text of less says nothing, and stands in many words."""


class Undeterminable(Exception):
    """The one signal that a check cannot be judged; the evaluation makes it the verdict NOT_DETERMINABLE."""

    def __init__(self, path: str, message: str) -> None:
        super().__init__(f"{path or 'the resource'} {message}")
        self.path = path


class Unknown(Undeterminable):
    """The value is not known yet, or hidden from us."""


class Hidden(Unknown):
    """A secret that is there, but is encrypted or blanked out here."""


class WrongShape(Undeterminable):
    """The value is known, but not of the kind that the check reads."""

    def __init__(self, path: str, expected: str, found: Any) -> None:
        super().__init__(path, f"should be {expected}, but is {describe_kind(found)}")


def unwrap(value: Any, path: str) -> Any:
    """Return the value without marks and proxies around it; raises Unknown where nobody can see it here."""
    if isinstance(value, str):
        if value in UNKNOWNS:
            raise Unknown(path, "is not known yet")
        if value == REDACTED:
            raise Hidden(path, "is a secret that is not shown here")
        return value
    if isinstance(value, dict):
        return _unwrap_marked(value, path) if SIGNATURE in value else value
    if value is None or isinstance(value, bool | int | float | list):
        return value
    return _unwrap_proxy(value, path)


def is_secret(value: Any) -> bool:
    """Tell whether the value itself carries a secret's mark."""
    if isinstance(value, dict):
        if value.get(SIGNATURE) == SECRET:
            return True
        return value.get(SIGNATURE) == OUTPUT and value.get("secret") is True
    return value == REDACTED or _of_sdk(value, "Secret")


def secrets_in(value: Any) -> Iterator[str]:
    """Yield the texts in a value that are marked as secret, as far as they can be seen here."""
    if is_secret(value):
        yield from _texts(value)
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from secrets_in(item)
    elif isinstance(value, list):
        for item in value:
            yield from secrets_in(item)


def _texts(secret: Any) -> Iterator[str]:
    try:
        value = unwrap(secret, "")
    except Undeterminable:
        return
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else (value,):
        if isinstance(item, str) and len(item) >= _TOO_SHORT:
            yield item
        elif isinstance(item, dict | list):
            yield from _texts(item)


def describe_kind(value: Any) -> str:
    """Return a value's kind in words; never the value, which may be a secret."""
    if isinstance(value, bool):
        return "a truth value"
    if isinstance(value, Mapping):
        return "an asset or archive" if SIGNATURE in value else "an object"
    if isinstance(value, str):
        return "text"
    if isinstance(value, Sequence):
        return "a list"
    return "a number" if isinstance(value, int | float) else f"a {type(value).__name__}"


def _unwrap_marked(value: dict[str, Any], path: str) -> Any:
    signature = value[SIGNATURE]
    if signature == SECRET and "plaintext" in value:
        return unwrap(_decode(value["plaintext"], path), path)
    if signature in (SECRET, OUTPUT):
        if "value" not in value:
            raise Hidden(path, "is encrypted") if signature == SECRET else Unknown(path, "is not known yet")
        return unwrap(value["value"], path)
    return value


def _decode(plaintext: Any, path: str) -> Any:
    try:
        return json.loads(plaintext)
    except (TypeError, ValueError):
        raise Hidden(path, "is a secret that cannot be read") from None


def _unwrap_proxy(value: Any, path: str) -> Any:
    """Unwrap a value of pulumi-policy; its proxies raise on unknown values, so the raw one is taken out."""
    if _of_sdk(value, "Secret"):
        return unwrap(value.value, path)
    if isinstance(value, Mapping | Sequence) and type(value).__module__.startswith(PROXIES):
        return unwrap(value["__target"], path)  # type: ignore[call-overload]
    if isinstance(value, Mapping):
        return dict(value)
    return list(value) if isinstance(value, Sequence) else value


def _of_sdk(value: Any, name: str) -> bool:
    kind = type(value)
    return kind.__name__ == name and kind.__module__.startswith(PROXIES)
