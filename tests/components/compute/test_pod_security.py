"""Every pod of ours passes the restricted Pod Security profile; a pod with any one rule broken does not."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from components.app_deployment import Oidc
from components.app_deployment.pods import build_migration_pod, build_server_pod

Pod = dict[str, Any]
ALLOWED_VOLUMES = {
    "configMap",
    "csi",
    "downwardAPI",
    "emptyDir",
    "ephemeral",
    "persistentVolumeClaim",
    "projected",
    "secret",
}
BIND = "NET_BIND_SERVICE"
SECCOMP = ("RuntimeDefault", "Localhost")
LISTS = ("containers", "initContainers", "ephemeralContainers")


def violations(pod: Pod) -> list[str]:
    """The rules of the restricted profile (Kubernetes, Pod Security Standards, with those of baseline) it breaks."""
    security = pod.get("securityContext", {})
    broken = [*_of_pod(pod, security)]
    for container in [one for kind in LISTS for one in pod.get(kind, [])]:
        broken += _of_container(container, container.get("securityContext", {}), security)
    return broken


def _of_pod(pod: Pod, security: Pod) -> Iterator[str]:
    for key in ("hostNetwork", "hostPID", "hostIPC"):
        if pod.get(key):
            yield key
    for volume in pod.get("volumes", []):
        if not (set(volume) - {"name"}) <= ALLOWED_VOLUMES:
            yield f"volume {volume['name']}"
    if security.get("runAsUser") == 0:
        yield "pod runs as root"
    if security.get("sysctls"):
        yield "sysctls"
    if security.get("seLinuxOptions", {}).get("user") or security.get("windowsOptions", {}).get("hostProcess"):
        yield "host options"


def _of_container(container: Pod, own: Pod, pods: Pod) -> list[str]:
    capabilities = own.get("capabilities", {})
    probes = [container.get(f"{kind}Probe", {}).get("httpGet", {}) for kind in ("liveness", "readiness", "startup")]
    rules = {
        "privileged": not own.get("privileged"),
        "escalation": own.get("allowPrivilegeEscalation") is False,
        "may run as root": own.get("runAsNonRoot", pods.get("runAsNonRoot")) is True,
        "container runs as root": own.get("runAsUser") != 0,
        "capabilities": "ALL" in capabilities.get("drop", []) and set(capabilities.get("add", [])) <= {BIND},
        "seccomp": own.get("seccompProfile", pods.get("seccompProfile", {})).get("type") in SECCOMP,
        "procMount": own.get("procMount", "Default") == "Default",
        "hostPort": not any(port.get("hostPort") for port in container.get("ports", [])),
        "probe host": not any(probe.get("host") for probe in probes),
    }
    return [rule for rule, kept in rules.items() if not kept]


@pytest.fixture(params=[build_server_pod, build_migration_pod], ids=["server", "migration"])
def pod(request: pytest.FixtureRequest, app_args: Callable[..., Any]) -> Pod:
    made: Pod = request.param(app_args(oidc=Oidc(issuer="https://i", audience="a", jwks_config_map="keys")))
    return made


def test_our_pods_pass(pod: Pod) -> None:
    assert violations(pod) == []


def test_our_pods_cannot_write_their_own_image(pod: Pod) -> None:
    assert all(container["securityContext"]["readOnlyRootFilesystem"] is True for container in pod["containers"])


def test_our_pods_run_as_a_numbered_user_who_may_read_the_tokens(pod: Pod) -> None:
    security = pod["securityContext"]
    assert security["runAsUser"] > 0
    assert security["fsGroup"] == security["runAsGroup"]


def _context(key: str, value: Any) -> Callable[[Pod], None]:
    def change(pod: Pod) -> None:
        pod["containers"][0]["securityContext"][key] = value

    return change


BREAKS: dict[str, Callable[[Pod], None]] = {
    "privileged": _context("privileged", True),
    "escalation": _context("allowPrivilegeEscalation", True),
    "may run as root": _context("runAsNonRoot", False),
    "container runs as root": _context("runAsUser", 0),
    "capabilities": _context("capabilities", {"drop": ["NET_RAW"]}),
    "seccomp": _context("seccompProfile", {"type": "Unconfined"}),
    "procMount": _context("procMount", "Unmasked"),
    "hostNetwork": lambda pod: pod.update(hostNetwork=True),
    "volume host": lambda pod: pod["volumes"].append({"name": "host", "hostPath": {"path": "/"}}),
    "pod runs as root": lambda pod: pod["securityContext"].update(runAsUser=0),
    "hostPort": lambda pod: pod["containers"][0].update(ports=[{"containerPort": 1, "hostPort": 1}]),
    "probe host": lambda pod: pod["containers"][0].update(livenessProbe={"httpGet": {"host": "10.0.0.1"}}),
    "sysctls": lambda pod: pod["securityContext"].update(sysctls=[{"name": "kernel.shm_rmid_forced", "value": "0"}]),
}


@pytest.mark.parametrize("rule", BREAKS)
def test_a_broken_rule_is_seen(pod: Pod, rule: str) -> None:
    broken = copy.deepcopy(pod)
    BREAKS[rule](broken)
    assert violations(broken) == [rule]
