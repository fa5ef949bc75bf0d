"""Whether a container answers its probe, asked once."""

from __future__ import annotations

import http.client
import socket
import ssl
from collections.abc import Callable, Sequence

from localcloud.emulator import EmulatorError, Properties

Execute = Callable[[Sequence[str], float], bool]
"""Runs a command in the container, with a time limit; whether it exited with 0."""

DEFAULT_TIMEOUT_SECONDS = 1
CONNECT_KINDS = ("tcpSocket", "grpc")


def port_of(name_or_number: int | str, container: Properties) -> int:
    """The number of a port that may be given by the name it has in the container."""
    for port in container.get("ports") or ():
        if port.get("name") == name_or_number:
            return int(port["containerPort"])
    try:
        return int(name_or_number)
    except ValueError:
        raise EmulatorError(f"container {container.get('name')!r} has no port named {name_or_number!r}") from None


def passes(probe: Properties, container: Properties, address: str, execute: Execute) -> bool:
    """Whether the probe succeeds now."""
    timeout = float(probe.get("timeoutSeconds") or DEFAULT_TIMEOUT_SECONDS)
    if probe.get("httpGet"):
        return _http(probe["httpGet"], container, address, timeout)
    if probe.get("exec"):
        return execute(probe["exec"].get("command") or (), timeout)
    for kind in CONNECT_KINDS:
        if probe.get(kind):
            return _connects(address, port_of(probe[kind]["port"], container), timeout)
    raise EmulatorError(f"container {container.get('name')!r}: a probe needs one of httpGet, exec, tcpSocket, grpc")


def _http(request: Properties, container: Properties, address: str, timeout: float) -> bool:
    host = request.get("host") or address
    port = port_of(request["port"], container)
    headers = {header["name"]: header["value"] for header in request.get("httpHeaders") or ()}
    connection = (
        http.client.HTTPSConnection(host, port, timeout=timeout, context=_trusting())
        if request.get("scheme") == "HTTPS"
        else http.client.HTTPConnection(host, port, timeout=timeout)
    )
    try:
        connection.request("GET", request.get("path") or "/", headers={"User-Agent": "kube-probe/local"} | headers)
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
    return http.HTTPStatus.OK <= status < http.HTTPStatus.BAD_REQUEST


def _trusting() -> ssl.SSLContext:
    """A kubelet does not check the certificate of what it probes either."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _connects(address: str, port: int, timeout: float) -> bool:
    try:
        with socket.create_connection((address, port), timeout=timeout):
            return True
    except OSError:
        return False
