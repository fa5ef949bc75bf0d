"""`python -m tools.actionlint`: check .github/workflows."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tools.gobuild import BuildFailed, Cache, NoGoToolchain, Program, pinned_version

MODULES = Path(__file__).resolve().parent


def main() -> int:
    program = Program(name="actionlint", modules=MODULES, package="github.com/rhysd/actionlint/cmd/actionlint")
    key = f"{pinned_version(MODULES, 'github.com/rhysd/actionlint')}-{program.fingerprint}"
    try:
        built = program.obtain(Cache.of("actionlint"), key)
    except (BuildFailed, NoGoToolchain, OSError) as error:
        print(f"actionlint: {error}", file=sys.stderr)
        return 1
    return subprocess.run([built.folder / "bin" / "actionlint", *sys.argv[1:]], check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
