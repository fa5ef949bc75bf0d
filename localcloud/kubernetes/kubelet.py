"""Runs pods as processes under the sandbox's supervisor, each with an address and a folder of its own."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from localcloud.emulator import EmulatorError, Properties
from localcloud.identity import Authority
from localcloud.kubernetes.cluster import BUILT_IN_ACCOUNT, Cluster, Key
from localcloud.kubernetes.containers import Container, Surroundings, containers, init_containers
from localcloud.kubernetes.pods import RUNNING, Pod
from localcloud.kubernetes.probes import passes
from localcloud.kubernetes.volumes import TOKEN_LIFETIME, files_of, mentions
from localcloud.process_shim import read_start
from localcloud.sandbox import can_listen
from localcloud.supervision import ProcessState, Program, Supervisor, last_lines

LOG_LINES = 12
ADDRESS_TRIES = 2
INIT_SECONDS = 300.0
END_SECONDS = 10.0
LOOK_SECONDS = 0.05
READINESS_PROBES = ("startupProbe", "readinessProbe")
SLEEP = re.compile(r"(?:.*[\s/])?sleep\s+[\d.]+\w?")


def start(pod: Pod) -> Pod:
    """Run the pod's processes; one that runs already is left as it is. It may not be ready when this returns.

    Where this fails, `stop` clears away what it had begun.
    """
    supervisor = Supervisor(pod.cluster.sandbox)
    if pod.status.get("phase") == RUNNING and all(supervisor.state(name).running for name in pod.programs):
        return pod
    placed, around = place(pod)
    for container in initialised(placed, around):
        supervisor.put(
            Program(
                name=pod.program(container.name),
                command=_command(container),
                directory=container.directory,
                environment=container.environment,
                stop_seconds=container.stop_seconds,
            )
        )
    return placed.with_status(phase=RUNNING)


def place(pod: Pod) -> tuple[Pod, Surroundings]:
    """Give the pod its address, its folder and the files of its volumes, and store it."""
    _check_references(pod)
    pod.cluster.put(pod.manifest)
    placed = pod.with_status(podIP=_address(pod))
    around = _surroundings(placed)
    _write_volumes(around, placed.spec, Authority.of(pod.cluster.sandbox))
    return placed, around


def initialised(pod: Pod, around: Surroundings) -> list[Container]:
    """The pod's containers, after its init containers have run to their end, one after another."""
    rendered = containers(pod.spec, around)
    for container in init_containers(pod.spec, around):
        log = around.folder / f"{container.name}.log"
        process = begin(container, log)
        try:
            code = process.wait(INIT_SECONDS)
        except subprocess.TimeoutExpired:
            end(process.pid, read_start(process.pid) or "")
            code = process.wait()
        if code:
            raise EmulatorError(f"init container {container.name!r} exits with {code}: {last_lines(log, LOG_LINES)}")
    return rendered


def stop(pods: Iterable[Pod]) -> None:
    """Stop pods, all at once, each in its own grace time, and forget them with all they had."""
    each = list(pods)
    if each:
        with ThreadPoolExecutor(max_workers=len(each)) as workers:
            list(workers.map(_stop, each))


def begin(container: Container, log: Path) -> subprocess.Popen[bytes]:
    """Start a container that is to end by itself, with its output going to `log`."""
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        return subprocess.Popen(
            _command(container),
            cwd=container.directory,
            env=dict(container.environment),
            stdin=subprocess.DEVNULL,
            stdout=descriptor,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            umask=0o077,
        )
    except OSError as problem:
        raise EmulatorError(f"container {container.name!r} cannot run {container.command[0]!r}: {problem}") from problem
    finally:
        os.close(descriptor)


def _command(container: Container) -> tuple[str, ...]:
    """What a container runs, with its program found on the container's own PATH."""
    name, *arguments = container.command
    found = shutil.which(name, path=container.environment["PATH"])
    if found is None:
        raise EmulatorError(f"container {container.name!r}: there is no program {name!r} in its image")
    return (found, *arguments)


def _stop(pod: Pod) -> None:
    if pod.status.get("phase") == RUNNING:
        _run_before_stop(pod)
    supervisor = Supervisor(pod.cluster.sandbox)
    for program in pod.programs:
        supervisor.remove(program)
    for process in pod.status.get("processes") or ():
        end(process["pid"], process["start"])
    release(pod)
    pod.cluster.remove(pod.key)


def release(pod: Pod) -> None:
    """Give the pod's address back."""
    pod.cluster.sandbox.release_address(_address_owner(pod))


def end(pid: int, start: str) -> None:
    """Stop a process that was begun without the supervisor, with its children; by KILL where TERM does not do it."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        if read_start(pid) != start:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(pid, number)
        deadline = time.monotonic() + END_SECONDS
        while read_start(pid) == start and time.monotonic() < deadline:
            time.sleep(LOOK_SECONDS)


def _run_before_stop(pod: Pod) -> None:
    """The preStop commands. Those that only sleep are passed over: they wait for gateways to stop sending requests,
    and here that has been seen to happen before a pod is stopped."""
    for container in pod.spec["containers"]:
        hook = ((container.get("lifecycle") or {}).get("preStop") or {}).get("exec") or {}
        command = hook.get("command")
        if command and not SLEEP.fullmatch(" ".join(command)):
            with contextlib.suppress(EmulatorError):
                execute(pod, container, command, float(pod.spec.get("terminationGracePeriodSeconds") or 30))


# -- how it is -----------------------------------------------------------------------------------------------------


def states(pod: Pod) -> list[ProcessState]:
    """How the pod's processes are."""
    supervisor = Supervisor(pod.cluster.sandbox)
    return [supervisor.state(program) for program in pod.programs]


def ready(pod: Pod, running: Sequence[ProcessState] | None = None) -> bool:
    """Whether all its processes run and answer their startup and readiness probes, asked once."""
    if not pod.address or not all(state.running for state in running or states(pod)):
        return False
    return all(_answers(pod, container) for container in pod.spec["containers"])


def _answers(pod: Pod, container: Properties) -> bool:
    def run(command: Sequence[str], limit: float) -> bool:
        return execute(pod, container, command, limit)

    return all(passes(container[kind], container, pod.address, run) for kind in READINESS_PROBES if container.get(kind))


def execute(pod: Pod, container: Properties, command: Sequence[str], limit: float) -> bool:
    """Run a command as the container would, and tell whether it exited with 0 within the time."""
    spec = {**pod.spec, "containers": [{**container, "command": list(command), "args": []}]}
    rendered = containers(spec, _surroundings(pod))[0]
    process = begin(rendered, Path(os.devnull))
    try:
        return process.wait(timeout=limit) == 0
    except subprocess.TimeoutExpired:
        return False
    finally:
        process.kill()
        process.wait()


def log_of(pod: Pod) -> str:
    """The last log lines of its containers."""
    supervisor = Supervisor(pod.cluster.sandbox)
    return " | ".join(last_lines(supervisor.log(program), LOG_LINES) for program in pod.programs)


def show_changed(cluster: Cluster, changed: Key) -> None:
    """Bring a changed ConfigMap or Secret into the volumes of running pods, as a kubelet does."""
    for manifest in cluster.list("Pod", changed.namespace):
        pod = Pod(cluster, manifest)
        if pod.address and mentions(pod.spec, changed.kind, changed.name):
            _write_volumes(_surroundings(pod), pod.spec, Authority.of(cluster.sandbox))


# -- what it is given --------------------------------------------------------------------------------------------------


def _check_references(pod: Pod) -> None:
    cluster, account = pod.cluster, pod.service_account
    if not cluster.has_namespace(pod.namespace):
        raise EmulatorError(f"namespace {pod.namespace!r} does not exist in cluster {cluster.name}")
    if not cluster.has_service_account(pod.namespace, account):
        raise EmulatorError(f"service account {account!r} does not exist in namespace {pod.namespace!r}")


def _surroundings(pod: Pod) -> Surroundings:
    cluster, metadata = pod.cluster, pod.manifest["metadata"]
    account = pod.service_account
    return Surroundings(
        name=pod.name,
        namespace=pod.namespace,
        uid=metadata["uid"],
        address=pod.address,
        service_account=account,
        labels=metadata["labels"],
        annotations=metadata["annotations"],
        config_map=lambda name: cluster.config_map(pod.namespace, name),
        secret=lambda name: cluster.secret(pod.namespace, name),
        folder=cluster.folder(pod.key),
        injected=_login(cluster, account),
    )


def _login(cluster: Cluster, account: str) -> dict[str, str]:
    """What a workload-identity webhook injects: here the client certificate by which the account logs in."""
    if account == BUILT_IN_ACCOUNT:
        return {}
    authority = Authority.of(cluster.sandbox)
    pair = authority.client_certificate(account)
    return {
        "PGSSLCERT": str(pair.certificate),
        "PGSSLKEY": str(pair.key),
        "PGSSLROOTCERT": str(authority.ca_certificate),
        "PGSSLMODE": "verify-full",
        "PGPORT": str(cluster.sandbox.postgres_port),
    }


def _write_volumes(around: Surroundings, spec: Properties, authority: Authority) -> None:
    def mint(audience: str) -> str:
        subject = f"system:serviceaccount:{around.namespace}:{around.service_account}"
        return authority.mint(subject, audience, (), TOKEN_LIFETIME)

    for volume in spec.get("volumes") or ():
        folder = around.volume(volume["name"])
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for path, content in files_of(volume, around, mint).items():
            _replace(folder / path, content)


def _replace(file: Path, content: bytes) -> None:
    """Write a file that a running process may be reading."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    fresh = file.with_name(f".{file.name}.new")
    fresh.write_bytes(content)
    fresh.chmod(0o600)
    fresh.replace(file)


def _address(pod: Pod) -> str:
    """The pod's address, on which all its ports are free; another one than before where somebody took a port there."""
    sandbox, owner = pod.cluster.sandbox, _address_owner(pod)
    ports = [int(port["containerPort"]) for each in pod.spec["containers"] for port in each.get("ports") or ()]
    taken = 0
    for _ in range(ADDRESS_TRIES):
        address = sandbox.claim_address(owner, ports[0] if ports else 0)
        taken = next((port for port in ports if not can_listen(address, port)), 0)
        if not taken:
            return address
        sandbox.release_address(owner)
    raise EmulatorError(f"port {taken} is taken on {address}: stop what listens on it")


def _address_owner(pod: Pod) -> str:
    return f"pod/{pod.cluster.name}/{pod.namespace}/{pod.name}"
