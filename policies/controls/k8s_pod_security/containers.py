"""What containers may do to their node, and how much of it they may use."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from pydantic import Field

from policies import CRITICAL, HIGH, LOW, MEDIUM, PASS, Resource, Verdict, View, fails
from policies.clouds.pods import changed_in_pods, containers_of, fixed_in_pods, in_pods, pod_of
from policies.clouds.scope import Namespaces, unless_exempt
from policies.controls.k8s_pod_security import control
from policies.values import unwrap


class Workloads(Namespaces):
    """Options of controls that look at pods."""

    exempt_namespaces: tuple[str, ...] = Field(
        default=(), description="Namespaces whose pods may do what others may not, such as those of node agents."
    )


Fault: TypeAlias = Callable[[View, View], str]
"""Takes a container and its pod; says what is wrong with it, or nothing."""
NAMESPACE = "metadata.namespace"


def _judge(workload: Resource, options: Workloads, fault: Fault) -> Verdict:
    pod = pod_of(workload)
    return _unless_exempt(
        workload, options, [(container.path, fault(container, pod)) for container in containers_of(workload)]
    )


def _unless_exempt(workload: Resource, options: Workloads, said: list[tuple[str, str]]) -> Verdict:
    if not said:
        return fails("it has no containers")
    found = [f"{what} in {where}" for where, what in said if what]
    return unless_exempt(workload, options, ", ".join(found)) if found else PASS


def _effective(container: View, pod: View, path: str) -> View:
    """Return whichever sets `path`: the container, or else its pod."""
    return container if container.exists(path) else pod


unprivileged = control(
    "K8S-001",
    title="Containers do not run privileged",
    severity=CRITICAL,
    maps={
        "soc2": ["CC6.1", "CC6.8"],
        "iso27001": ["A.8.2", "A.8.9"],
        "gdpr": ["Art. 32(1)(b)"],
        "pci_dss": ["2.2.6", "7.2.5"],
    },
    remedy="Set privileged to false, and give the capabilities or devices that are needed by name.",
    options=Workloads,
)
PRIVILEGED, OF_HOST = "securityContext.privileged", "securityContext.windowsOptions.hostProcess"
_WINDOWS = "securityContext[].windowsOptions[].hostProcess"
"""Where it is to be mended: pods of Linux may not say anything of Windows."""


@unprivileged
@in_pods(f"*.{PRIVILEGED}", f"*.{OF_HOST}", OF_HOST, beside=[NAMESPACE])
@fixed_in_pods((f"*.{PRIVILEGED}", False), (_WINDOWS, False), (f"*.{_WINDOWS}", False))
def containers_are_unprivileged(workload: Resource, options: Workloads) -> Verdict:
    return _judge(workload, options, _is_mighty)


def _is_mighty(container: View, pod: View) -> str:
    """Processes of the host are what Windows has for privileged containers."""
    if container.flag(PRIVILEGED):
        return "privileged"
    return "hostProcess" if _effective(container, pod, OF_HOST).flag(OF_HOST) else ""


not_root = control(
    "K8S-002",
    title="Containers do not run as root",
    severity=HIGH,
    maps=unprivileged.maps,
    remedy="Build the image for a numeric user, set runAsNonRoot to true, and name no runAsUser of 0.",
    options=Workloads,
)
NON_ROOT, USER = "securityContext.runAsNonRoot", "securityContext.runAsUser"


@not_root
@in_pods(NON_ROOT, f"*.{NON_ROOT}", USER, f"*.{USER}", beside=[NAMESPACE])
def containers_are_not_root(workload: Resource, options: Workloads) -> Verdict:
    return _judge(workload, options, _is_root)


def _is_root(container: View, pod: View) -> str:
    if not _effective(container, pod, NON_ROOT).flag(NON_ROOT):
        return "runAsNonRoot is not set"
    return "runAsUser is 0" if _effective(container, pod, USER).number(USER, default=1) == 0 else ""


no_escalation = control(
    "K8S-003",
    title="Containers gain no privileges and keep no capabilities",
    severity=HIGH,
    maps={
        "soc2": ["CC6.1", "CC6.8"],
        "iso27001": ["A.8.2", "A.8.9"],
        "gdpr": ["Art. 32(1)(b)"],
        "pci_dss": ["2.2.1", "2.2.6"],
    },
    remedy="Set allowPrivilegeEscalation to false, and drop ALL capabilities; NET_BIND_SERVICE may be added.",
    options=Workloads,
)
ESCALATION, CAPABILITIES = "securityContext.allowPrivilegeEscalation", "securityContext.capabilities"
ADDABLE = {"NET_BIND_SERVICE"}


def humbled(context: Any) -> Any:
    """Return a security context without powers but those that may be added; a privileged container can have none."""
    said = View(value=unwrap(context or {}, "securityContext"), path="securityContext")
    if said.flag("privileged"):
        return context
    added = [text for text in said.texts("capabilities.add") if text in ADDABLE]
    kept = {"drop": ["ALL"], **({"add": added} if added else {})}
    return {**said.value, "allowPrivilegeEscalation": False, "capabilities": kept}


@no_escalation
@in_pods(f"*.{ESCALATION}", f"*.{CAPABILITIES}.drop", f"*.{CAPABILITIES}.add", beside=[NAMESPACE])
@changed_in_pods(("*.securityContext", humbled))
def containers_gain_nothing(workload: Resource, options: Workloads) -> Verdict:
    return _judge(workload, options, _gains)


def _gains(container: View, _: View) -> str:
    if container.flag(ESCALATION, default=True):
        return "allowPrivilegeEscalation is not off"
    if "ALL" not in container.texts(f"{CAPABILITIES}.drop"):
        return "capabilities are not dropped"
    added = set(container.texts(f"{CAPABILITIES}.add")) - ADDABLE
    return f"added {', '.join(sorted(added))}" if added else ""


apart_from_host = control(
    "K8S-004",
    title="Pods share no namespace, path or port with their node",
    severity=CRITICAL,
    maps={
        "soc2": ["CC6.1", "CC6.6"],
        "iso27001": ["A.8.9", "A.8.22"],
        "gdpr": ["Art. 32(1)(b)"],
        "pci_dss": ["1.4.2", "2.2.6"],
    },
    remedy="Leave the host's network, processes and files alone; reach pods by a Service, keep files in a volume.",
    options=Workloads,
)
SHARED = ("hostNetwork", "hostPID", "hostIPC")


@apart_from_host
@in_pods(*SHARED, "volumes.hostPath", "*.ports.hostPort", beside=[NAMESPACE])
def pods_are_apart_from_their_node(workload: Resource, options: Workloads) -> Verdict:
    pod = pod_of(workload)
    said = [(pod.path, f"{name} is on" if pod.flag(name) else "") for name in SHARED]
    said += [(volume.path, "hostPath" if volume.exists("hostPath") else "") for volume in pod.objects("volumes")]
    ports = [port for container in containers_of(workload) for port in container.objects("ports")]
    said += [(port.path, "hostPort" if port.number("hostPort") else "") for port in ports]
    return _unless_exempt(workload, options, said)


filtered_calls = control(
    "K8S-005",
    title="System calls of containers are filtered",
    severity=MEDIUM,
    maps={
        "soc2": ["CC6.8"],
        "iso27001": ["A.8.7", "A.8.9"],
        "gdpr": ["Art. 32(1)(b)"],
        "pci_dss": ["2.2.1", "2.2.6"],
    },
    remedy="Set seccompProfile.type to RuntimeDefault, or to Localhost with a profile of your own.",
    options=Workloads,
)
SECCOMP = "securityContext.seccompProfile.type"
FILTERED = ("RuntimeDefault", "Localhost")


def filtering(profile: Any) -> Any:
    """Return the profile where it filters; else the runtime's, without the file that only Localhost may name."""
    said = View(value=unwrap(profile or {}, "seccompProfile"), path="seccompProfile")
    return profile if said.text("type") in FILTERED else {"type": "RuntimeDefault"}


@filtered_calls
@in_pods(SECCOMP, f"*.{SECCOMP}", beside=[NAMESPACE])
@changed_in_pods(*((path.removesuffix(".type"), filtering) for path in (SECCOMP, f"*.{SECCOMP}")))
def system_calls_are_filtered(workload: Resource, options: Workloads) -> Verdict:
    return _judge(workload, options, _is_unfiltered)


def _is_unfiltered(container: View, pod: View) -> str:
    profile = _effective(container, pod, SECCOMP).text(SECCOMP, "not set")
    return "" if profile in FILTERED else f"seccompProfile.type is {profile}"


bounded = control(
    "K8S-006",
    title="Containers say what they need and have a limit of memory",
    severity=LOW,
    maps={"soc2": ["A1.1"], "iso27001": ["A.8.6"], "gdpr": ["Art. 32(1)(b)"]},
    remedy="Request CPU and memory, and limit memory.",
    options=Workloads,
)
BOUNDS = ("resources.requests.cpu", "resources.requests.memory", "resources.limits.memory")


@bounded
@in_pods(*(f"*.{bound}" for bound in BOUNDS), beside=[NAMESPACE])
def containers_are_bounded(workload: Resource, options: Workloads) -> Verdict:
    return _judge(workload, options, _is_unbounded)


def _is_unbounded(container: View, _: View) -> str:
    missing = [bound for bound in BOUNDS if not container.has(bound)]
    return f"no {', '.join(missing)}" if missing else ""


read_only = control(
    "K8S-010",
    title="Containers cannot write to their own file system",
    severity=MEDIUM,
    maps=filtered_calls.maps,
    remedy="Set readOnlyRootFilesystem to true, and mount a volume where the program writes.",
    options=Workloads,
)
READ_ONLY = "securityContext.readOnlyRootFilesystem"


@read_only
@in_pods(f"*.{READ_ONLY}", beside=[NAMESPACE])
def file_systems_are_read_only(workload: Resource, options: Workloads) -> Verdict:
    return _judge(workload, options, lambda one, _: "" if one.flag(READ_ONLY) else "readOnlyRootFilesystem is not on")
