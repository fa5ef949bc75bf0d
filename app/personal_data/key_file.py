"""A master key in a file that only its owner can read: for one machine, never for production.

The file is JSON: `{"current": "<id>", "keys": {"<id>": "<32 bytes, base64>"}}`.
"""

from __future__ import annotations

import os
import stat
import tempfile
from base64 import b64decode, b64encode
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from app.personal_data.durable import sync_folder
from app.personal_data.errors import MasterKeyFailed, UnsafeKeyFile
from app.personal_data.master_key import Wrapped
from app.personal_data.sealing import SECRET_BYTES

_NONCE_BYTES = 12
_LARGEST_BYTES = 1 << 20
_OTHERS = stat.S_IRWXG | stat.S_IRWXO

Random = Callable[[int], bytes]


class _Content(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    current: Annotated[str, Field(min_length=1, max_length=100)]
    keys: dict[str, str] = Field(repr=False)


class FileMasterKey:
    """Wraps by AES-256-GCM; the file is read once, and refused where others could read or change it."""

    def __init__(self, path: Path, *, random: Random = os.urandom) -> None:
        self._path = path
        self._random = random
        content = _read(path)
        self._current = content.current
        self._ciphers = {name: _cipher(path, name, text) for name, text in content.keys.items()}
        if self._current not in self._ciphers:
            raise MasterKeyFailed(f"{path}: the current key {self._current!r} is not among its keys")

    @classmethod
    def create(cls, path: Path, *, random: Random = os.urandom) -> FileMasterKey:
        """Make the file where there is none; of several processes at once one makes it, and all use that."""
        if not path.exists():
            secret = b64encode(random(SECRET_BYTES)).decode()
            _write(path, _Content(current="local-1", keys={"local-1": secret}), os.link)
        return cls(path, random=random)

    @classmethod
    def rotate(cls, path: Path, *, random: Random = os.urandom) -> FileMasterKey:
        """Add a new current key; earlier ones stay for what they wrapped."""
        content = _read(path)
        name = f"local-{len(content.keys) + 1}"
        secret = b64encode(random(SECRET_BYTES)).decode()
        _write(path, _Content(current=name, keys=content.keys | {name: secret}), os.replace)
        return cls(path, random=random)

    def current(self) -> str:
        """Name of the current key."""
        return self._current

    def wrap(self, secret: bytes, context: bytes) -> Wrapped:
        """Wrap a data key as nonce, ciphertext and tag."""
        nonce = self._random(_NONCE_BYTES)
        return Wrapped(self._current, nonce + self._ciphers[self._current].encrypt(nonce, secret, context))

    def unwrap(self, wrapped: Wrapped, context: bytes) -> bytes:
        """Unwrap a data key; raise MasterKeyFailed."""
        cipher = self._ciphers.get(wrapped.key_id)
        if cipher is None:
            raise MasterKeyFailed(f"{self._path} holds no key {wrapped.key_id!r}")
        try:
            return cipher.decrypt(wrapped.value[:_NONCE_BYTES], wrapped.value[_NONCE_BYTES:], context)
        except (InvalidTag, ValueError):
            raise MasterKeyFailed(f"key {wrapped.key_id!r} of {self._path} did not wrap this for this use") from None


def _read(path: Path) -> _Content:
    try:
        file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError as error:
        raise MasterKeyFailed(f"the master key {path} cannot be read: {error.strerror}") from None
    try:
        # Of the opened file, not of its name: that could stand for another one by now.
        _refuse_unsafe(path, os.fstat(file))
        text = os.read(file, _LARGEST_BYTES)
    finally:
        os.close(file)
    try:
        return _Content.model_validate_json(text)
    except ValidationError as error:
        # The input is left out: it may hold the key.
        problem = error.errors(include_input=False)[0]
        raise MasterKeyFailed(f"{path} is no file of master keys: {problem['msg']}") from None


def _refuse_unsafe(path: Path, status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise UnsafeKeyFile(f"the master key {path} is no regular file")
    if status.st_uid != os.geteuid():
        raise UnsafeKeyFile(f"the master key {path} belongs to user {status.st_uid}, not to {os.geteuid()}")
    if status.st_mode & _OTHERS:
        mode = stat.S_IMODE(status.st_mode)
        raise UnsafeKeyFile(f"the master key {path} is open to others (mode {mode:04o}): run chmod 600 on it")


def _write(path: Path, content: _Content, put: Callable[[str, Path], None]) -> None:
    """Whole and on the disk, or not at all; never open to others, not even for a moment."""
    path.parent.mkdir(parents=True, exist_ok=True)
    number, name = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
    try:
        with os.fdopen(number, "w") as file:
            file.write(content.model_dump_json(indent=1) + "\n")
            file.flush()
            os.fsync(file.fileno())
        put(name, path)
        sync_folder(path.parent)
    except FileExistsError:
        pass  # another process was first
    finally:
        Path(name).unlink(missing_ok=True)


def _cipher(path: Path, name: str, text: str) -> AESGCM:
    try:
        secret = b64decode(text, validate=True)
    except ValueError:
        secret = b""
    if len(secret) != SECRET_BYTES:
        raise MasterKeyFailed(f"{path}: key {name!r} is not {SECRET_BYTES} bytes as base64")
    return AESGCM(secret)
