"""`python -m tools.engine`: bring the engine onto this machine; setup calls it."""

from __future__ import annotations

import sys

from tools.engine import install
from tools.gobuild import BuildFailed, NoGoToolchain


def main() -> int:
    try:
        engine = install()
    except (BuildFailed, NoGoToolchain, OSError) as error:
        print(f"Pulumi engine: {error}", file=sys.stderr)
        return 1
    print(f"Pulumi engine {engine.version}, {engine.origin}: {engine.bin}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
