"""The operator's key: all decoys are derived from it, and only it tells them from real data.

The file is JSON: `{"secret": "<32 bytes, base64>", "domains": ["…"], "phones": {"US": ["(646) 555-####"]}}`.
"""

from __future__ import annotations

import hmac
import os
import stat
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from app.canaries.errors import WrongKey

SECRET_BYTES = 32
_LARGEST_BYTES = 1 << 16
_OTHERS = stat.S_IWGRP | stat.S_IRWXO

Random = Callable[[int], bytes]
Domain = Annotated[str, Field(pattern=r"^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]$")]


class _Content(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    secret: Annotated[str, Field(repr=False)]
    domains: Annotated[list[Domain], Field(min_length=1)]
    phones: dict[str, list[str]] = {}


class CamouflageKey:
    """Derives an independent key for every purpose."""

    def __init__(
        self, secret: bytes, domains: Sequence[str], phones: Mapping[str, Sequence[str]] | None = None
    ) -> None:
        """`domains` of e-mail and `phones` ranges by country belong to the operator; raises WrongKey."""
        if len(secret) != SECRET_BYTES:
            raise WrongKey(f"the secret has {len(secret)} bytes, not {SECRET_BYTES}")
        self._secret = secret
        self.domains = tuple(domains)
        self.phones = dict(phones or {})

    def __repr__(self) -> str:
        return f"CamouflageKey(domains={self.domains})"

    def of(self, purpose: str) -> bytes:
        """Return the key for a purpose: 32 bytes."""
        return HKDFExpand(SHA256(), SECRET_BYTES, f"fortress camouflage: {purpose}".encode()).derive(self._secret)

    @classmethod
    def create(cls, path: Path, domains: Sequence[str], *, random: Random = os.urandom) -> CamouflageKey:
        """Write a key file that only its owner can read; raises WrongKey if the file exists."""
        try:
            content = _Content(secret=b64encode(random(SECRET_BYTES)).decode(), domains=list(domains))
        except ValidationError as error:
            raise WrongKey(_describe_wrong_domain(error, domains)) from None
        try:
            file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except OSError as error:
            raise WrongKey(f"{path} cannot be made: {error.strerror}") from None
        try:
            with os.fdopen(file, "w") as out:
                out.write(content.model_dump_json(indent=2) + "\n")
                out.flush()
                os.fsync(out.fileno())
        except OSError as error:
            path.unlink()  # this call made it; a half-written file would block the next attempt
            raise WrongKey(f"{path} cannot be made: {error.strerror}") from None
        return cls.read(path)

    @classmethod
    def read(cls, path: Path) -> CamouflageKey:
        """Read a key file; raises WrongKey, also if others can read or change the file."""
        try:
            with path.open("rb") as file:
                if _is_open_to_others(os.fstat(file.fileno())):
                    raise WrongKey(f"{path} is open to others: run chmod 600 on it")
                content = _Content.model_validate_json(file.read(_LARGEST_BYTES))
        except OSError as error:
            raise WrongKey(f"{path} cannot be read: {error.strerror}") from None
        except ValidationError as error:
            raise WrongKey(f"{path} is no camouflage key: {_describe(error)}") from None
        try:
            return cls(b64decode(content.secret, validate=True), content.domains, content.phones)
        except ValueError:
            raise WrongKey(f"{path} is no camouflage key: the secret is not base64") from None


def _is_open_to_others(file: os.stat_result) -> bool:
    """Allow group access only to files of another owner: Kubernetes mounts a Secret as root's, for the pod's group."""
    refused = _OTHERS | (stat.S_IRGRP if file.st_uid == os.geteuid() else 0)
    return bool(file.st_mode & refused)


def mac(key: bytes, *parts: str) -> bytes:
    """Return a 32-byte MAC of the parts; the separator keeps different lists of parts apart."""
    return hmac.digest(key, "\0".join(parts).encode(), "sha256")


def _describe_wrong_domain(error: ValidationError, domains: Sequence[str]) -> str:
    location = error.errors(include_input=False)[0]["loc"]
    if location[:1] == ("domains",) and len(location) > 1:
        return f"{domains[int(location[1])]!r} is no mail domain: write it in small letters, such as mail.example.org"
    return _describe(error)


def _describe(error: ValidationError) -> str:
    # Without the value, which may be the secret.
    problem = error.errors(include_input=False)[0]
    where = ".".join(str(part) for part in problem["loc"])
    return f"{where}: {problem['msg']}" if where else problem["msg"]
