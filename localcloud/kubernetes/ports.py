"""The ports of this machine on which the gateways of a sandbox listen."""

from __future__ import annotations

from collections.abc import Iterator

from localcloud.emulator import EmulatorError
from localcloud.kubernetes.envoy import GATEWAY_ADDRESS
from localcloud.sandbox import Sandbox, can_listen

FILE = "gateway-ports.json"
OFFSET = 8000
"""443 becomes 8443 where an ordinary user may not listen on it, or another gateway does."""
HIGHEST = 65535

Claims = dict[str, dict[str, int]]
"""Gateway -> its own port as text -> the machine's port."""


def claim(sandbox: Sandbox, gateway: str, port: int) -> int:
    """The machine's port for a gateway's port: the same on every call until it is moved or released."""
    with sandbox.lock("ports"):
        claims: Claims = sandbox.read(FILE, {})
        known = claims.get(gateway, {}).get(str(port))
        return known if known is not None else _choose(sandbox, claims, gateway, port)


def move(sandbox: Sandbox, gateway: str, port: int) -> int:
    """Another port of the machine, as somebody else listens on the one claimed before."""
    with sandbox.lock("ports"):
        return _choose(sandbox, sandbox.read(FILE, {}), gateway, port)


def release(sandbox: Sandbox, gateway: str) -> None:
    """Give the ports of a gateway back."""
    with sandbox.lock("ports"):
        claims: Claims = sandbox.read(FILE, {})
        if claims.pop(gateway, None) is not None:
            sandbox.write(FILE, claims)


def _choose(sandbox: Sandbox, claims: Claims, gateway: str, port: int) -> int:
    taken = {claimed for ports in claims.values() for claimed in ports.values()}
    for candidate in _candidates(port):
        if candidate not in taken and can_listen(GATEWAY_ADDRESS, candidate):
            claims.setdefault(gateway, {})[str(port)] = candidate
            sandbox.write(FILE, claims)
            return candidate
    raise EmulatorError(f"no port of {GATEWAY_ADDRESS} is free for port {port} of gateway {gateway}")


def _candidates(port: int) -> Iterator[int]:
    yield port
    yield from range(port + OFFSET, HIGHEST + 1)
    yield from range(port + 1, min(port + OFFSET, HIGHEST + 1))
