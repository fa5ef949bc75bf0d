"""The master key, which wraps the subjects' data keys: kept by a cloud, or locally in a file."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from typing import NamedTuple, Protocol

from app.personal_data.errors import MasterKeyFailed


class Wrapped(NamedTuple):
    """A data key that only its master key can read."""

    key_id: str
    """Which master key, and which version of it where its keeper counts them."""
    value: bytes


class MasterKey(Protocol):
    """A key that never leaves its keeper; every call may block for as long as the keeper takes.

    The context is bound to what is wrapped: unwrapping with another one fails. All raise MasterKeyFailed.
    """

    def current(self) -> str:
        """What `key_id` of a key that is wrapped now would be: tells which keys a rotation left behind."""
        ...

    def wrap(self, secret: bytes, context: bytes) -> Wrapped:
        """Wrap a data key with the current master key."""
        ...

    def unwrap(self, wrapped: Wrapped, context: bytes) -> bytes:
        """The data key; also where an earlier master key wrapped it."""
        ...


def context_of(subject: str) -> bytes:
    """What binds a wrapped key to its subject; hashed, since clouds write it into their audit logs."""
    return sha256(b"fortress data key\0" + subject.encode()).digest()


def master_key(where: str) -> MasterKey:
    """The master key that a setting names; raises MasterKeyFailed.

    One of `file:<path>`, `aws-kms:<arn>[,<earlier arn>…]`, `azure-key-vault:https://<vault>/keys/<name>` and
    `gcp-kms:projects/<…>/cryptoKeys/<name>`.
    """
    kind, _, rest = where.partition(":")
    if kind not in _KINDS or not rest:
        raise MasterKeyFailed(f"{where!r} names no master key: it begins with one of {', '.join(_KINDS)}, and a colon")
    return _KINDS[kind](rest)


def _file(path: str) -> MasterKey:
    from pathlib import Path

    from app.personal_data.key_file import FileMasterKey

    return FileMasterKey(Path(path))


def _aws(arns: str) -> MasterKey:
    from app.personal_data.aws import AwsMasterKey

    current, *earlier = arns.split(",")
    return AwsMasterKey(current, earlier=earlier)


def _azure(url: str) -> MasterKey:
    from app.personal_data.azure import AzureMasterKey

    return AzureMasterKey(url)


def _gcp(name: str) -> MasterKey:
    from app.personal_data.gcp import GcpMasterKey

    return GcpMasterKey(name)


# Each imports what it needs only when it is called for: the clouds' libraries are heavy.
_KINDS: dict[str, Callable[[str], MasterKey]] = {
    "file": _file,
    "aws-kms": _aws,
    "azure-key-vault": _azure,
    "gcp-kms": _gcp,
}
