"""Deployments, with real processes."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import Timer

import httpx
import pytest

from localcloud.emulator import EmulatorError
from localcloud.kubernetes import inventory
from localcloud.kubernetes.reconcile import reconcile
from localcloud.supervision import Supervisor
from tests.waiting import wait_until

from .conftest import PORT, PROGRAM, Json, Kubernetes, deployment_spec

pytestmark = pytest.mark.servers


def ask(kubernetes: Kubernetes, path: str = "/", number: int = 0) -> httpx.Response:
    """Ask a pod of the cluster."""
    pod = inventory.pod_views(kubernetes.sandbox)[number]
    return httpx.get(f"http://{pod.address}:{pod.ports[0]}{path}", timeout=5, trust_env=False)


def environment(kubernetes: Kubernetes) -> dict[str, str]:
    told: dict[str, str] = ask(kubernetes, "/environment").json()
    return told


def ready(kubernetes: Kubernetes, name: str = "ledger") -> int:
    state = kubernetes.read("Deployment", name)
    assert state is not None
    return int(state["status"]["readyReplicas"])


def test_a_pod_runs_as_its_template_says(kubernetes: Kubernetes) -> None:
    kubernetes.apply("ServiceAccount", "migrator")
    kubernetes.apply("Secret", "token", stringData={"value": "hush-hush"})
    variables = [{"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": "token", "key": "value"}}}]
    outputs = kubernetes.deploy(env=variables, pod={"serviceAccountName": "migrator"})
    assert outputs["status"]["readyReplicas"] == 1
    (pod,) = inventory.pod_views(kubernetes.sandbox)
    told = environment(kubernetes)
    assert told["POD_IP"] == pod.address
    assert told["TOKEN"] == "hush-hush"
    assert Path(told["PGSSLCERT"]).name == "migrator.crt"
    assert told["PGPORT"] == str(kubernetes.sandbox.postgres_port)
    assert "LOCALCLOUD_HOME" not in told, "what the user's shell has set is none of a container's business"
    command = Path(f"/proc/{kubernetes.pid('pod.')}/cmdline")
    assert not command.exists() or b"hush-hush" not in command.read_bytes()


def test_mounted_files_follow_their_objects_and_restart_nothing(kubernetes: Kubernetes) -> None:
    kubernetes.apply("ConfigMap", "settings", data={"level": "info"})
    mounts = {
        "container": {
            "volumeMounts": [{"name": "v", "mountPath": "/etc/app"}, {"name": "t", "mountPath": "/var/run/t"}],
        },
        "pod": {
            "volumes": [
                {"name": "v", "configMap": {"name": "settings"}},
                {"name": "t", "projected": {"sources": [{"serviceAccountToken": {"path": "token", "audience": "a"}}]}},
            ]
        },
    }
    spec = deployment_spec(
        "ledger",
        env=[{"name": "LEVEL", "value": "/etc/app/level"}, {"name": "TOKEN", "value": "/var/run/t/token"}],
    )
    template = spec["template"]["spec"]
    template["containers"][0] |= mounts["container"]
    template |= mounts["pod"]
    kubernetes.apply("Deployment", "ledger", spec=spec)
    told = environment(kubernetes)
    assert ask(kubernetes, f"/file?path={told['LEVEL']}").text == "info"
    assert ask(kubernetes, f"/file?path={told['TOKEN']}").text.count(".") == 2
    pid = kubernetes.pid("pod.")
    kubernetes.apply("ConfigMap", "settings", data={"level": "debug"})
    assert ask(kubernetes, f"/file?path={told['LEVEL']}").text == "debug"
    assert kubernetes.pid("pod.") == pid


def test_pods_listen_on_the_same_port_of_different_addresses(kubernetes: Kubernetes) -> None:
    kubernetes.deploy(replicas=2)
    first, second = inventory.pod_views(kubernetes.sandbox)
    assert first.ports == second.ports == (PORT,)
    assert first.address != second.address


def test_init_containers_run_before(kubernetes: Kubernetes) -> None:
    base = deployment_spec("ledger")["template"]["spec"]["containers"][0]
    mount = {"volumeMounts": [{"name": "shared", "mountPath": "/shared"}]}
    init = {
        "name": "init",
        "image": base["image"],
        "command": ["python", PROGRAM],
        "args": ["count", "/shared/runs", "1"],
    }
    volumes = [{"name": "shared", "emptyDir": {}}]
    kubernetes.deploy(
        env=[{"name": "RUNS", "value": "/shared/runs"}],
        container=mount,
        pod={"initContainers": [init | mount], "volumes": volumes},
    )
    assert ask(kubernetes, f"/file?path={environment(kubernetes)['RUNS']}").text == "1"


def test_a_command_can_be_the_readiness_probe(kubernetes: Kubernetes) -> None:
    probe = {
        "exec": {"command": ["python", "-c", "import os; assert os.environ['SAYS'] == 'hello'"]},
        "timeoutSeconds": 9,
    }
    assert kubernetes.deploy(container={"readinessProbe": probe})["status"]["readyReplicas"] == 1


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"container": {"args": ["fail", "a bad day"]}}, "keeps ending.*it was a bad day"),
        (
            {"container": {"readinessProbe": {"tcpSocket": {"port": 1}}}, "progressDeadlineSeconds": 1},
            "is not ready after 1 s",
        ),
        ({"container": {"command": ["no-such-program"]}}, "there is no program 'no-such-program' in its image"),
        ({"pod": {"serviceAccountName": "nobody"}}, "service account 'nobody' does not exist"),
        ({"env": [{"name": "X", "valueFrom": {"configMapKeyRef": {"name": "no", "key": "k"}}}]}, "'no' does not exist"),
    ],
)
def test_a_failed_rollout_keeps_the_old_pods(kubernetes: Kubernetes, changes: Json, complaint: str) -> None:
    kubernetes.deploy(says="old")
    before = kubernetes.programs()
    with pytest.raises(EmulatorError, match=f"Deployment ledger/ledger: .*{complaint}"):
        kubernetes.deploy(says="new", **changes)
    assert kubernetes.programs() == before
    assert ask(kubernetes).text == "old"
    kubernetes.deploy(says="new")
    assert ask(kubernetes).text == "new"


def test_a_failed_create_leaves_nothing_behind(kubernetes: Kubernetes) -> None:
    with pytest.raises(EmulatorError):
        kubernetes.deploy(container={"readinessProbe": {"tcpSocket": {"port": 1}}}, progressDeadlineSeconds=1)
    assert kubernetes.programs() == {}
    assert not (kubernetes.sandbox.root / "kubernetes/aws/ledger").exists()
    assert kubernetes.sandbox.read("addresses.json") == {}


def test_an_interrupted_rollout_ends_without_its_pods_and_the_next_completes(kubernetes: Kubernetes) -> None:
    Timer(0.5, kubernetes.interrupted.set).start()
    with pytest.raises(EmulatorError, match="interrupted while waiting for pod"):
        kubernetes.deploy(container={"readinessProbe": {"tcpSocket": {"port": 1}}})
    assert kubernetes.programs() == {}
    kubernetes.interrupted.clear()
    assert kubernetes.deploy()["status"]["readyReplicas"] == 1


def test_a_taken_port_is_named_and_the_next_try_completes(kubernetes: Kubernetes) -> None:
    with socket.create_server(("0.0.0.0", 0)) as everywhere:
        port = everywhere.getsockname()[1]
        ports = {"args": ["serve", "$(POD_IP)", str(port)], "ports": [{"name": "http", "containerPort": port}]}
        with pytest.raises(EmulatorError, match=f"port {port} is taken"):
            kubernetes.deploy(container=ports)
    assert kubernetes.deploy(container=ports)["status"]["readyReplicas"] == 1


def test_a_killed_pod_comes_back(kubernetes: Kubernetes) -> None:
    kubernetes.deploy()
    killed = kubernetes.pid("pod.")
    os.kill(killed, signal.SIGKILL)
    wait_until(
        lambda: kubernetes.programs().popitem()[1] not in (None, killed) and ready(kubernetes) == 1,
        "another process of the pod",
    )


def test_pods_outlive_the_supervisor_and_read_sees_those_that_do_not(kubernetes: Kubernetes) -> None:
    kubernetes.deploy(replicas=2)
    supervisor = Supervisor(kubernetes.sandbox)
    daemon = int((kubernetes.sandbox.root / "supervisor/supervisord.pid").read_text())
    os.kill(daemon, signal.SIGKILL)
    survivor, killed = (pid for pid in kubernetes.programs().values() if pid is not None)
    os.kill(killed, signal.SIGKILL)
    wait_until(lambda: ready(kubernetes) == 1, "one ready pod")
    supervisor.ensure_running()
    wait_until(lambda: ready(kubernetes) == 2, "two ready pods")
    assert survivor in kubernetes.programs().values()


def test_a_pod_whose_port_was_taken_while_it_was_down_gets_another_address(kubernetes: Kubernetes) -> None:
    kubernetes.deploy()
    kubernetes.service()
    url = kubernetes.gateway()
    kubernetes.route()
    (before,) = inventory.pod_views(kubernetes.sandbox)
    Supervisor(kubernetes.sandbox).shutdown()
    with socket.create_server((before.address, PORT)):
        reconcile(kubernetes.sandbox, settle_seconds=0)
        wait_until(lambda: inventory.pod_views(kubernetes.sandbox)[0].ready, "the pod to be ready")
        (after,) = inventory.pod_views(kubernetes.sandbox)
        assert after.name == before.name
        assert after.address != before.address
        wait_until(lambda: httpx.get(url, trust_env=False).text == "hello", "an answer by the gateway")


def test_a_changed_number_of_replicas_touches_no_other_pod(kubernetes: Kubernetes) -> None:
    kubernetes.deploy(replicas=1)
    before = kubernetes.programs()
    assert kubernetes.deploy(replicas=3)["status"]["readyReplicas"] == 3
    assert kubernetes.programs().items() >= before.items()
    assert kubernetes.deploy(replicas=1)["status"]["readyReplicas"] == 1
    assert kubernetes.programs() == before


def test_an_autoscaler_holds_its_minimum(kubernetes: Kubernetes) -> None:
    outputs = kubernetes.deploy(replicas=None)
    assert len(kubernetes.programs()) == 1
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "ledger"}
    scaler = {"scaleTargetRef": target, "minReplicas": 2, "maxReplicas": 20}
    kubernetes.apply("HorizontalPodAutoscaler", "ledger", spec=scaler)
    assert len(kubernetes.programs()) == 2
    assert kubernetes.read("Deployment", "ledger")["status"] == outputs["status"], "no drift"
    kubernetes.deploy(says="new", replicas=None)
    assert len(kubernetes.programs()) == 2


def test_an_autoscaler_made_at_the_same_time_is_obeyed(kubernetes: Kubernetes) -> None:
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "ledger"}
    scaler = {"scaleTargetRef": target, "minReplicas": 2, "maxReplicas": 20}
    with ThreadPoolExecutor() as workers:
        deployed = workers.submit(kubernetes.deploy, replicas=None)
        workers.submit(kubernetes.apply, "HorizontalPodAutoscaler", "ledger", spec=scaler).result()
        deployed.result()
    assert len(kubernetes.programs()) == 2


def test_pods_that_are_gone_altogether_make_the_deployment_gone(kubernetes: Kubernetes) -> None:
    kubernetes.deploy()
    for file in (kubernetes.sandbox.root / "kubernetes/aws/ledger/Pod").glob("*.json"):
        file.unlink()
    assert kubernetes.read("Deployment", "ledger") is None
    assert kubernetes.deploy()["status"]["readyReplicas"] == 1


def test_delete_leaves_no_process_port_or_file(kubernetes: Kubernetes) -> None:
    kubernetes.apply("ServiceAccount", "ledger")
    kubernetes.deploy(pod={"serviceAccountName": "ledger"})
    pid = kubernetes.pid("pod.")
    kubernetes.delete("Deployment", "ledger")
    kubernetes.delete("ServiceAccount", "ledger")
    kubernetes.delete("Namespace", "ledger")
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    assert kubernetes.programs() == {}
    assert not (kubernetes.sandbox.root / "kubernetes").exists()
    assert kubernetes.sandbox.read("addresses.json") == {}


# -- under load ------------------------------------------------------------------------------------------------------


@contextmanager
def load(url: str, path: str = "/", clients: int = 4) -> Iterator[Counter[str]]:
    """Ask without a pause from several clients until the block ends; what was answered, errors included."""
    answers: Counter[str] = Counter()
    over = threading.Event()

    def ask_on() -> None:
        with httpx.Client(timeout=10, trust_env=False) as client:
            while not over.is_set():
                try:
                    response = client.get(url + path)
                    answers[response.text if response.is_success else f"{response.status_code} {response.text}"] += 1
                except httpx.HTTPError as problem:
                    answers[repr(problem)] += 1
                time.sleep(0.002)

    with ThreadPoolExecutor(clients) as workers:
        running = [workers.submit(ask_on) for _ in range(clients)]
        try:
            yield answers
        finally:
            over.set()
    for each in running:
        each.result()


@pytest.mark.parametrize("path", ["/", "/slow?seconds=0.3"])
def test_a_rolling_update_loses_no_request(kubernetes: Kubernetes, path: str) -> None:
    kubernetes.deploy(says="old", replicas=2)
    kubernetes.service()
    url = kubernetes.gateway()
    kubernetes.route()
    with load(url, path) as answers:
        wait_until(lambda: answers["old"] > 5, "six answers by the old pods")
        kubernetes.deploy(says="new", replicas=2)
        wait_until(lambda: answers["new"] > 5, "six answers by the new pods")
    assert set(answers) == {"old", "new"}, answers


def test_a_failed_rollout_loses_no_request(kubernetes: Kubernetes) -> None:
    kubernetes.deploy(says="old")
    kubernetes.service()
    url = kubernetes.gateway()
    kubernetes.route()
    with load(url) as answers:
        wait_until(lambda: answers["old"] > 5, "six answers by the old pods")
        with pytest.raises(EmulatorError):
            kubernetes.deploy(says="new", container={"args": ["fail"]})
    assert set(answers) == {"old"}, answers
