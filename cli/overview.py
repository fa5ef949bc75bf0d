"""What runs in the local world, for people and for programs."""

from __future__ import annotations

from localcloud.home import Home


def after_up(home: Home, *, as_json: bool) -> None:
    print(home, as_json)


def show(*, as_json: bool) -> None:
    print(as_json)
