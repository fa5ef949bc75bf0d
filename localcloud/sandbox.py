"""Where one local sandbox lives: its folder, its lock, and the loopback addresses it hands out.

A sandbox is everything that one checkout (or one test) runs on this machine. Sandboxes share nothing: each has its own
folder, certificate authority, process supervisor and range of loopback addresses.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CHECKOUT = Path(__file__).resolve().parent.parent
POSTGRES_PORT = 5432
PRIVATE_FOLDER = 0o700
PASSABLE_FOLDER = 0o755
TRAVERSABLE_FOLDER = 0o711
"""The root user's sandboxes hold folders of an unprivileged account, which must pass through them but not list them."""


class NoFreeAddress(Exception):
    """Every address of the sandbox's range refuses the port; names the port."""


def default_root() -> Path:
    """The sandbox of this checkout: `LOCALCLOUD_HOME`, else a folder under the user's state home (root: /var/lib)."""
    chosen = os.environ.get("LOCALCLOUD_HOME")
    if chosen:
        return Path(chosen).resolve()
    name = hashlib.sha256(str(CHECKOUT).encode()).hexdigest()[:10]
    if os.geteuid() == 0:
        return Path("/var/lib/living-fortress") / name
    state = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(state) / "living-fortress" / name


def can_listen(address: str, port: int) -> bool:
    """Whether a server could listen on this address and port now; also false where a wildcard listener has the port."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError:
            return False
    return True


@dataclass(frozen=True)
class Sandbox:
    """One sandbox's folder."""

    root: Path

    @classmethod
    def open(cls, root: Path | None = None) -> Sandbox:
        """The sandbox at `root` (default: this checkout's), created if absent."""
        sandbox = cls(root or default_root())
        mode = TRAVERSABLE_FOLDER if os.geteuid() == 0 else PRIVATE_FOLDER
        for parent in reversed(sandbox.root.parents):
            if not parent.is_dir():
                parent.mkdir(exist_ok=True)
                parent.chmod(PASSABLE_FOLDER)
        sandbox.root.mkdir(exist_ok=True)
        sandbox.root.chmod(mode)
        return sandbox

    def folder(self, *parts: str, mode: int = PRIVATE_FOLDER) -> Path:
        """A sub-folder, created with `mode` if absent."""
        path = self.root.joinpath(*parts)
        if not path.is_dir():
            path.mkdir(parents=True, exist_ok=True)
            path.chmod(mode)
        return path

    @contextlib.contextmanager
    def lock(self, name: str = "sandbox") -> Iterator[None]:
        """Hold the sandbox's lock `name` against every other process; released by the kernel if the holder dies."""
        with (self.folder(".locks") / name).open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def read(self, name: str, default: Any = None) -> Any:
        """A JSON document of this sandbox, or `default` where it does not exist."""
        try:
            return json.loads((self.root / name).read_text())
        except FileNotFoundError:
            return default

    def write(self, name: str, document: Any) -> None:
        """Replace a JSON document as a whole: a reader sees the old one or the new one, also after a crash."""
        write_atomically(self.root / name, json.dumps(document, indent=1, sort_keys=True))

    @property
    def postgres_port(self) -> int:
        """The port of all PostgreSQL servers of this sandbox: 5432, or the next free one where a wildcard has it."""
        with self.lock("ports"):
            chosen: int | None = self.read("postgres-port.json")
            if chosen is None:
                chosen = next(port for port in range(POSTGRES_PORT, 65535) if can_listen(self._address(1), port))
                self.write("postgres-port.json", chosen)
            return chosen

    def claim_address(self, owner: str, port: int) -> str:
        """The loopback address that belongs to `owner`, the same on every call; a new one can listen on `port`.

        Raises NoFreeAddress where none of the range can.
        """
        with self.lock("ports"):
            claimed: dict[str, str] = self.read("addresses.json", {})
            if owner in claimed:
                return claimed[owner]
            taken = set(claimed.values())
            for host in range(2, 255):
                address = self._address(host)
                if address not in taken and can_listen(address, port):
                    self.write("addresses.json", claimed | {owner: address})
                    return address
        raise NoFreeAddress(f"port {port} is taken on every address of {self._address(0)}/24: stop what listens on it")

    def release_address(self, owner: str) -> None:
        """Give the address of `owner` back; nothing happens where it has none."""
        with self.lock("ports"):
            claimed: dict[str, str] = self.read("addresses.json", {})
            if claimed.pop(owner, None) is not None:
                self.write("addresses.json", claimed)

    @property
    def address_prefix(self) -> str:
        """The first three bytes of all its addresses, `127.x.y.`; its path picks one of 16,384 ranges."""
        digest = hashlib.sha256(str(self.root).encode()).digest()
        return f"127.{64 + digest[0] % 64}.{digest[1]}."

    def _address(self, host: int) -> str:
        return f"{self.address_prefix}{host}"


def write_atomically(path: Path, text: str, mode: int = 0o600) -> None:
    """Replace a file as a whole, on disk before this returns."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}")
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
        with os.fdopen(descriptor, "w") as file:
            os.fchmod(descriptor, mode)  # whatever the umask is
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
