"""Gateways: real Envoys, real TLS."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import ssl
import stat
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from localcloud.emulator import EmulatorError
from localcloud.identity import Authority
from localcloud.kubernetes import inventory
from localcloud.kubernetes.reconcile import reconcile
from localcloud.sandbox import Sandbox
from localcloud.supervision import Supervisor
from tests.waiting import wait_until

from .conftest import Json, Kubernetes, free_port, http_listener, https_listener

pytestmark = pytest.mark.servers

HOST = "aws.localhost"


def two_services(kubernetes: Kubernetes) -> None:
    for name in ("blue", "green"):
        kubernetes.deploy(name, says=name)
        kubernetes.service(name)


def answers(client: httpx.Client, url: str, count: int) -> list[str]:
    return [client.get(url).text for _ in range(count)]


def trusting(sandbox: Sandbox) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(Authority.of(sandbox).ca_certificate))


def securely(sandbox: Sandbox, url: str, host: str = HOST) -> httpx.Response:
    """Ask under a host name that this machine need not resolve."""
    port = httpx.URL(url).port
    with httpx.Client(verify=trusting(sandbox), http2=False, timeout=5, trust_env=False) as client:
        return client.get(
            f"https://127.0.0.1:{port}/", headers={"Host": f"{host}:{port}"}, extensions={"sni_hostname": host}
        )


def serial(sandbox: Sandbox, url: str) -> str:
    with (
        socket.create_connection(("127.0.0.1", httpx.URL(url).port or 443), timeout=5) as plain,
        trusting(sandbox).wrap_socket(plain, server_hostname=HOST) as secure,
    ):
        return str((secure.getpeercert() or {})["serialNumber"])


def certificate(kubernetes: Kubernetes, *names: str) -> None:
    issuer = {"name": "any", "kind": "ClusterIssuer"}
    kubernetes.apply("Certificate", "edge", spec={"secretName": "edge-tls", "dnsNames": names, "issuerRef": issuer})


def test_weights_take_effect_at_once(kubernetes: Kubernetes, client: httpx.Client) -> None:
    two_services(kubernetes)
    url = kubernetes.gateway()
    kubernetes.route("split", blue=100, green=0)
    assert set(answers(client, url, 20)) == {"blue"}
    kubernetes.route("split", blue=90, green=10)
    assert 2 <= answers(client, url, 200).count("green") <= 50
    began = time.monotonic()
    kubernetes.route("split", blue=0, green=100)
    assert set(answers(client, url, 20)) == {"green"}
    assert time.monotonic() - began < 2, "changing the weights, and 20 requests"


def test_a_dead_pod_is_routed_around(kubernetes: Kubernetes, client: httpx.Client) -> None:
    kubernetes.deploy(replicas=2)
    kubernetes.service()
    url = kubernetes.gateway()
    kubernetes.route()
    daemon = int((kubernetes.sandbox.root / "supervisor/supervisord.pid").read_text())
    os.kill(daemon, signal.SIGKILL)
    os.kill(kubernetes.pid("-0.app"), signal.SIGKILL)
    wait_until(lambda: inventory.pod_views(kubernetes.sandbox)[0].ready is False, "the dead pod to be seen")
    assert {client.get(url).status_code for _ in range(30)} == {200}
    Supervisor(kubernetes.sandbox).ensure_running()


def test_a_service_without_pods_is_unavailable(kubernetes: Kubernetes, client: httpx.Client) -> None:
    url = kubernetes.gateway()
    kubernetes.route()
    assert client.get(url).status_code == 503
    kubernetes.service()
    kubernetes.deploy()
    assert client.get(url).text == "hello"
    kubernetes.delete("HTTPRoute", "ledger")
    assert client.get(url).status_code == 404


def test_a_killed_envoy_comes_back(kubernetes: Kubernetes, client: httpx.Client) -> None:
    kubernetes.deploy()
    kubernetes.service()
    url = kubernetes.gateway()
    kubernetes.route()
    state = kubernetes.read("Gateway", "edge")
    os.kill(kubernetes.pid("gateway."), signal.SIGKILL)
    changed = kubernetes.read("Gateway", "edge")
    assert changed != state, "refresh sees it"

    def back() -> bool:
        try:
            return client.get(url).text == "hello"
        except httpx.HTTPError:
            return False

    wait_until(back, "an answer by the gateway")
    assert kubernetes.read("Gateway", "edge") == state


def test_tls_is_verified_against_the_sandbox_authority(kubernetes: Kubernetes) -> None:
    kubernetes.deploy()
    kubernetes.service()
    certificate(kubernetes, HOST)
    url = kubernetes.gateway(https_listener(HOST, "edge-tls"))
    kubernetes.route()
    assert url.startswith(f"https://{HOST}:")
    assert securely(kubernetes.sandbox, url).text == "hello"
    with pytest.raises(httpx.ConnectError):
        securely(kubernetes.sandbox, url, host="gcp.localhost")
    (view,) = inventory.gateway_views(kubernetes.sandbox)
    assert (view.url, view.hostnames, view.ready) == (url, (HOST,), True)


def test_without_a_host_name_of_its_own_a_listener_is_found_under_its_certificates(kubernetes: Kubernetes) -> None:
    certificate(kubernetes, HOST)
    listener = https_listener(HOST, "edge-tls")
    del listener["hostname"]
    url = kubernetes.gateway(listener, http_listener())
    assert url == f"https://{HOST}:{listener['port']}"
    route = {"parentRefs": [{"name": "edge"}], "hostnames": [HOST], "rules": []}
    kubernetes.apply("HTTPRoute", "ledger", spec=route)
    (view,) = inventory.gateway_views(kubernetes.sandbox)
    assert (view.hostnames, view.url) == ((HOST,), url)


def test_a_gateway_waits_for_its_certificate_and_takes_over_a_new_one(kubernetes: Kubernetes) -> None:
    url = kubernetes.gateway(https_listener(HOST, "edge-tls"))
    assert kubernetes.read("Gateway", "edge")["status"]["conditions"][1] == {"type": "Programmed", "status": "False"}
    certificate(kubernetes, HOST)
    assert kubernetes.read("Gateway", "edge")["status"]["conditions"][1] == {"type": "Programmed", "status": "True"}
    first = serial(kubernetes.sandbox, url)
    certificate(kubernetes, HOST, "ledger.localhost")
    wait_until(lambda: serial(kubernetes.sandbox, url) != first, "another certificate")


def test_http_is_redirected_to_where_https_is_found(kubernetes: Kubernetes, client: httpx.Client) -> None:
    certificate(kubernetes, HOST)
    plain, secure = http_listener(), https_listener(HOST, "edge-tls")
    url = kubernetes.gateway(plain, secure)
    redirect = {"type": "RequestRedirect", "requestRedirect": {"scheme": "https", "port": secure["port"]}}
    parents = [{"name": "edge", "sectionName": "http"}]
    kubernetes.apply("HTTPRoute", "redirect", spec={"parentRefs": parents, "rules": [{"filters": [redirect]}]})
    answer = client.get(f"http://127.0.0.1:{plain['port']}/a?b=c", headers={"Host": HOST})
    assert (answer.status_code, answer.headers["location"]) == (302, f"{url}/a?b=c")


def test_filters_change_what_pods_see(kubernetes: Kubernetes, client: httpx.Client) -> None:
    kubernetes.deploy()
    kubernetes.service()
    url = kubernetes.gateway()
    filters: list[Json] = [
        {"type": "RequestHeaderModifier", "requestHeaderModifier": {"set": [{"name": "x-cloud", "value": "aws"}]}},
        {"type": "ResponseHeaderModifier", "responseHeaderModifier": {"add": [{"name": "x-seen", "value": "1"}]}},
        {"type": "URLRewrite", "urlRewrite": {"path": {"type": "ReplacePrefixMatch", "replacePrefixMatch": "/"}}},
    ]
    rule = {
        "matches": [{"path": {"type": "PathPrefix", "value": "/api"}}],
        "filters": filters,
        "backendRefs": [{"name": "ledger", "port": 80}],
    }
    kubernetes.apply("HTTPRoute", "api", spec={"parentRefs": [{"name": "edge"}], "rules": [rule]})
    answer = client.get(f"{url}/api/headers?q=1")
    assert (answer.json()["path"], answer.json()["x-cloud"]) == ("/headers?q=1", "aws")
    assert answer.headers["x-seen"] == "1"
    assert client.get(f"{url}/other").status_code == 404


def test_a_taken_port_moves_and_stays_moved(kubernetes: Kubernetes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        url = kubernetes.gateway(http_listener(port))
        assert httpx.URL(url).port != port
    assert kubernetes.gateway(http_listener(port)) == url


def test_a_port_lost_to_another_program_is_replaced(kubernetes: Kubernetes, client: httpx.Client) -> None:
    kubernetes.deploy()
    kubernetes.service()
    url = kubernetes.gateway()
    kubernetes.route()
    supervisor = Supervisor(kubernetes.sandbox)
    supervisor.shutdown()
    with socket.create_server(("127.0.0.1", httpx.URL(url).port or 0)):
        reconcile(kubernetes.sandbox, settle_seconds=0)
        (view,) = inventory.gateway_views(kubernetes.sandbox)
        assert view.url != url
        wait_until(lambda: client.get(view.url).text == "hello", "an answer at the new address")
        assert kubernetes.read("Gateway", "edge")["status"]["localcloud"]["url"] == view.url


def test_two_gateways_share_no_port(kubernetes: Kubernetes) -> None:
    port = free_port()
    first = kubernetes.gateway(http_listener(port))
    other = Kubernetes(kubernetes.sandbox, "gcp")
    other.apply("Namespace", "ledger", namespace=None)
    second = other.gateway(http_listener(port))
    assert {httpx.URL(first).port, httpx.URL(second).port} > {port}
    other.delete("Namespace", "ledger")


@pytest.mark.parametrize(
    ("listener", "complaint"),
    [
        ({"name": "tcp", "protocol": "TCP", "port": 1}, "no emulator for protocol 'TCP'"),
        ({"name": "https", "protocol": "HTTPS", "port": 1}, "needs tls.mode Terminate and tls.certificateRefs"),
    ],
)
def test_a_gateway_that_cannot_be_leaves_nothing(kubernetes: Kubernetes, listener: Json, complaint: str) -> None:
    with pytest.raises(EmulatorError, match=f"Gateway ledger/edge: listener .*{complaint}"):
        kubernetes.gateway(listener)
    assert kubernetes.programs() == {}


def test_a_broken_route_is_refused_and_the_others_go_on(kubernetes: Kubernetes, client: httpx.Client) -> None:
    kubernetes.deploy()
    kubernetes.service()
    url = kubernetes.gateway()
    kubernetes.route()
    broken = {"parentRefs": [{"name": "edge"}], "rules": [{"backendRefs": [{"name": "ledger", "port": 81}]}]}
    with pytest.raises(EmulatorError, match="HTTPRoute ledger/broken: service 'ledger' has no port 81"):
        kubernetes.apply("HTTPRoute", "broken", spec=broken)
    assert client.get(url).text == "hello"
    kubernetes.deploy(says="still")
    assert client.get(url).text == "still"


def test_nobody_else_can_administer_or_read_keys(kubernetes: Kubernetes) -> None:
    certificate(kubernetes, HOST)
    kubernetes.gateway(https_listener(HOST, "edge-tls"))
    folder = kubernetes.sandbox.root / "kubernetes/aws/ledger/Gateway/edge.d"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_ISSOCK((folder / "admin.sock").stat().st_mode)
    for file in kubernetes.sandbox.root.glob("kubernetes/**/*"):
        assert not stat.S_IMODE(file.lstat().st_mode) & 0o077 or file.suffix == ".crt", file


def test_delete_closes_the_port_and_leaves_no_file(kubernetes: Kubernetes) -> None:
    certificate(kubernetes, HOST)
    url = kubernetes.gateway(https_listener(HOST, "edge-tls"))
    kubernetes.delete("Gateway", "edge")
    kubernetes.delete("Certificate", "edge")
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", httpx.URL(url).port or 0))
    assert kubernetes.programs() == {}
    assert not (kubernetes.sandbox.root / "kubernetes/aws/ledger").exists()
    assert kubernetes.sandbox.read("gateway-ports.json") == {}


@pytest.fixture
def deep_sandbox() -> Iterator[Sandbox]:
    """A sandbox whose paths are longer than a socket's may be."""
    top = Path(tempfile.mkdtemp(prefix="lf-"))
    sandbox = Sandbox.open(top / ("deep" * 12) / ("down" * 12))
    yield sandbox
    Supervisor(sandbox).shutdown()
    shutil.rmtree(top)


def test_a_long_path_does_not_matter(deep_sandbox: Sandbox, client: httpx.Client) -> None:
    kubernetes = Kubernetes(deep_sandbox)
    kubernetes.apply("Namespace", "ledger", namespace=None)
    url = kubernetes.gateway()
    assert client.get(url).status_code == 404
