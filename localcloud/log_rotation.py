"""Keeps the logs of a sandbox's programs short: an event listener of supervisord, woken every minute.

supervisord rotates only what goes through its own pipes. The programs outlive it, so they write to their logs directly.
Run as `python -I -S log_rotation.py <folder>`; protocol: supervisord manual, "Event Listeners and Event Notifications".
"""

from __future__ import annotations

import os
import sys

LOG_LIMIT = 5 * 1024 * 1024  # bytes


def rotate(log: str) -> None:
    """Move a log that has grown too long aside; its program appends, so it goes on at the new beginning."""
    try:
        with open(log, "rb+") as file:  # noqa: PTH123 - pathlib costs a megabyte
            if os.fstat(file.fileno()).st_size >= LOG_LIMIT:
                with open(log + ".1", "wb") as old:  # noqa: PTH123
                    while piece := file.read(1 << 16):
                        old.write(piece)
                file.truncate(0)
    except OSError:
        return  # a full disk must not end the listener


def main() -> None:
    """Rotate at every event, until supervisord closes standard input."""
    print("READY", flush=True)
    while header := sys.stdin.readline():
        sys.stdin.read(int(dict(word.split(":", 1) for word in header.split())["len"]))
        for name in os.listdir(sys.argv[1]):  # noqa: PTH208
            if name.endswith(".log"):
                rotate(os.path.join(sys.argv[1], name))  # noqa: PTH118
        print("RESULT 2\nOKREADY", flush=True)


if __name__ == "__main__":
    main()
