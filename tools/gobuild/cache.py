"""A cache of things that take long to make: whole or absent, never half.

An entry is a folder named for everything that went into it, so it never goes stale. It is made in a folder beside its
place and renamed into it as the last step; a manifest of checksums tells a damaged entry from a whole one.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

MANIFEST = "manifest.json"


def default_root() -> Path:
    """`FORTRESS_CACHE`, else a folder under the user's cache home, shared by all checkouts of this user."""
    chosen = os.environ.get("FORTRESS_CACHE")
    if chosen:
        return Path(chosen).resolve()
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home) / "living-fortress"


def fingerprint(*parts: bytes) -> str:
    """A short name for exactly these contents."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(hashlib.sha256(part).digest())
    return digest.hexdigest()[:12]


@dataclass(frozen=True)
class Entry:
    """One folder of the cache."""

    folder: Path

    def is_whole(self) -> bool:
        """Return True if exactly the recorded files exist, with unchanged content."""
        try:
            recorded = json.loads((self.folder / MANIFEST).read_text())
            return bool(recorded) and recorded == _checksums(self.folder)
        except (OSError, ValueError):
            return False

    def seal(self) -> None:
        """Record what the folder holds now."""
        (self.folder / MANIFEST).write_text(json.dumps(_checksums(self.folder), indent=0, sort_keys=True))


@dataclass(frozen=True)
class Cache:
    """A folder of entries of one kind, for example `engine`."""

    folder: Path

    @classmethod
    def of(cls, kind: str) -> Cache:
        return cls(default_root() / kind)

    def obtain(self, key: str, make: Callable[[Path], None], waiting: Callable[[], None] = lambda: None) -> Entry:
        """The whole entry `key`; if absent or damaged, `make` fills a new folder.

        Of several processes that want the same entry one makes it, the others wait; `waiting` is called before a wait.
        """
        entry = Entry(self.folder / key)
        self.folder.mkdir(parents=True, exist_ok=True)
        with _locked(self.folder / f".{key}.lock", waiting):
            if not entry.is_whole():
                self._replace(entry, make)
        return entry

    def _replace(self, entry: Entry, make: Callable[[Path], None]) -> None:
        prefix = f".{entry.folder.name}."
        for abandoned in self.folder.glob(f"{prefix}*.making"):
            shutil.rmtree(abandoned, ignore_errors=True)
        draft = Path(tempfile.mkdtemp(prefix=prefix, suffix=".making", dir=self.folder))
        try:
            make(draft)
            Entry(draft).seal()
            draft.chmod(0o755)
            shutil.rmtree(entry.folder, ignore_errors=True)
            draft.rename(entry.folder)
        finally:
            shutil.rmtree(draft, ignore_errors=True)


@contextlib.contextmanager
def _locked(path: Path, waiting: Callable[[], None]) -> Iterator[None]:
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            waiting()
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _checksums(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): _checksum(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path != folder / MANIFEST
    }


def _checksum(path: Path) -> str:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return f"{digest} {path.stat().st_mode & 0o777:o}"
