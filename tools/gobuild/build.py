"""Build one program from a folder that pins its Go modules (go.mod, go.sum)."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from tools.gobuild.cache import Cache, Entry, fingerprint
from tools.gobuild.progress import Progress
from tools.gobuild.toolchain import GoToolchain, GoVersion, find_go

KEPT_LINES = 15


class BuildFailed(Exception):
    """The Go build stopped; carries the last lines it printed."""


@dataclass(frozen=True, kw_only=True)
class Program:
    """A main package of pinned modules, and the files of those modules that belong beside it."""

    name: str
    modules: Path
    """The folder with go.mod and go.sum."""
    package: str
    linker_flags: str = "-s -w"
    companions: tuple[tuple[str, str], ...] = ()
    """Further files of the bin folder: (module path, path of the file inside the module)."""

    @property
    def fingerprint(self) -> str:
        """Names everything that decides what is built."""
        pins = [(self.modules / name).read_bytes() for name in ("go.mod", "go.sum")]
        rest = repr((self.package, self.linker_flags, self.companions, sys.platform, os.uname().machine))
        return fingerprint(*pins, rest.encode())

    @property
    def minimum_go(self) -> GoVersion:
        found = re.search(r"^go (\d+(?:\.\d+)*)", (self.modules / "go.mod").read_text(), re.MULTILINE)
        return tuple(int(part) for part in found.group(1).split(".")) if found else (1,)

    def obtain(self, cache: Cache, key: str) -> Entry:
        """The cache entry with `bin/` made of this program, built now if it is not there whole."""
        title = f"Building {self.name} from Go modules"
        return cache.obtain(key, self.build, lambda: print(f"{title}: another process does; waiting", file=sys.stderr))

    def build(self, folder: Path) -> None:
        """Build into `folder`/bin with a progress line."""
        go = find_go(self.minimum_go)
        target = folder / "bin"
        target.mkdir()
        with Progress(f"Building {self.name} from Go modules") as progress:
            packages = self._fetch(go, progress)
            self._compile(go, progress, target / self.name, packages)
        for module, path in self.companions:
            copy = target / Path(path).name
            shutil.copyfile(self._module_folder(go, module) / path, copy)
            copy.chmod(0o755)

    def _fetch(self, go: GoToolchain, progress: Progress) -> int:
        """Bring every needed module to this machine; returns how many packages there are to compile."""
        fetched = 0

        def count(line: str) -> None:
            nonlocal fetched
            fetched += line.startswith("go: downloading")
            progress.say(f"{fetched} modules fetched")

        return len(self._go(go, ["list", "-deps", self.package], count))

    def _compile(self, go: GoToolchain, progress: Progress, target: Path, packages: int) -> None:
        compiled = 0

        def count(_: str) -> None:
            nonlocal compiled
            compiled += 1
            progress.say(f"{compiled} of at most {packages} packages compiled")

        self._go(go, ["build", "-v", "-o", str(target), "-ldflags", self.linker_flags, self.package], count)

    def _module_folder(self, go: GoToolchain, module: str) -> Path:
        return Path(self._go(go, ["list", "-m", "-f", "{{.Dir}}", module], lambda _: None)[0])

    def _go(self, go: GoToolchain, arguments: list[str], each: Callable[[str], None]) -> list[str]:
        """Run Go in the modules' folder; `each` sees every line of its stderr, the lines of its stdout are returned."""
        seen: list[str] = []
        with subprocess.Popen(
            [go.command, *arguments],
            cwd=self.modules,
            env=go.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            output = _collected(process.stdout)
            for line in process.stderr or ():
                seen = [*seen[-KEPT_LINES:], line.rstrip()]
                each(line)
            lines = output()
        if process.returncode != 0:
            raise BuildFailed(f"go {arguments[0]} of {self.name} failed:\n" + "\n".join(seen))
        return lines


def pinned_version(modules: Path, module: str) -> str:
    """The version of `module` that the folder's go.mod pins, without the leading v."""
    found = re.search(rf"^(?:require)?\s*{re.escape(module)} v(\S+)", (modules / "go.mod").read_text(), re.MULTILINE)
    if not found:
        raise LookupError(f"{modules / 'go.mod'} does not require {module}")
    return found.group(1)


def _collected(stream: IO[str] | None) -> Callable[[], list[str]]:
    """Read `stream` aside, so that neither pipe of a process can fill up; the result waits for its end."""
    lines: list[str] = []
    reader = threading.Thread(target=lambda: lines.extend(line.rstrip() for line in stream or ()), daemon=True)
    reader.start()

    def result() -> list[str]:
        reader.join()
        return lines

    return result
