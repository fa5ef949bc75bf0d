"""Jobs, with real processes."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from localcloud.emulator import EmulatorError
from localcloud.kubernetes import inventory
from localcloud.kubernetes.cluster import Cluster
from localcloud.process_shim import read_start
from tests.waiting import wait_until

from .conftest import Kubernetes, job_spec

pytestmark = pytest.mark.servers


def runs(file: Path) -> int:
    return int(file.read_text()) if file.exists() else 0


def test_a_job_runs_to_its_end_once(kubernetes: Kubernetes, tmp_path: Path) -> None:
    counter = tmp_path / "runs"
    for _ in range(2):
        kubernetes.made.clear()
        outputs = kubernetes.apply("Job", "migrate", spec=job_spec("count", str(counter), "1"))
        assert outputs["status"]["succeeded"] == 1
    assert runs(counter) == 1
    (pod,) = inventory.pod_views(kubernetes.sandbox)
    assert (pod.phase, pod.address, pod.ready) == ("Succeeded", "", False)


def test_a_job_with_another_template_runs_again(kubernetes: Kubernetes, tmp_path: Path) -> None:
    counter = tmp_path / "runs"
    kubernetes.apply("Job", "migrate", spec=job_spec("count", str(counter), "1"))
    kubernetes.apply("Job", "migrate", spec=job_spec("count", str(counter), "2"))
    assert runs(counter) == 2


def test_a_failed_pod_is_tried_again(kubernetes: Kubernetes, tmp_path: Path) -> None:
    counter = tmp_path / "runs"
    outputs = kubernetes.apply("Job", "migrate", spec=job_spec("count", str(counter), "2", backoffLimit=3))
    assert (outputs["status"]["succeeded"], outputs["status"]["failed"]) == (1, 1)
    assert runs(counter) == 2


def test_a_job_that_fails_tells_why_and_leaves_nothing(kubernetes: Kubernetes) -> None:
    with pytest.raises(EmulatorError, match=r"Job ledger/migrate: pod migrate-0 exits with 3: it was a bad day$"):
        kubernetes.apply("Job", "migrate", spec=job_spec("fail", "a", "bad", "day", backoffLimit=0))
    assert not (kubernetes.sandbox.root / "kubernetes/aws/ledger").exists()
    assert kubernetes.sandbox.read("addresses.json") == {}


def test_a_job_that_takes_too_long_is_stopped(kubernetes: Kubernetes) -> None:
    with pytest.raises(EmulatorError, match="not done within activeDeadlineSeconds"):
        kubernetes.apply("Job", "migrate", spec=job_spec("sleep", "60", activeDeadlineSeconds=1))
    assert Cluster(kubernetes.sandbox, "aws").list("Pod") == []


def test_what_an_interrupted_run_left_is_stopped(kubernetes: Kubernetes) -> None:
    cluster = Cluster(kubernetes.sandbox, "aws")

    def interrupted() -> None:
        with pytest.raises(EmulatorError):
            kubernetes.apply("Job", "migrate", spec=job_spec("sleep", "60", backoffLimit=0))

    first = threading.Thread(target=interrupted)
    first.start()
    wait_until(lambda: any(pod["status"].get("processes") for pod in cluster.list("Pod")), "a process of the job")
    (process,) = cluster.list("Pod")[0]["status"]["processes"]
    kubernetes.apply("Job", "migrate", spec=job_spec("sleep", "0"))
    first.join()
    assert read_start(process["pid"]) is None


def test_a_job_logs_in_as_its_service_account(kubernetes: Kubernetes) -> None:
    kubernetes.apply("ServiceAccount", "migrator")
    container = {"command": ["python", "-c", "import os; open(os.environ['PGSSLKEY']).read()"], "args": []}
    spec = job_spec(container=container, pod={"serviceAccountName": "migrator"}, backoffLimit=0)
    assert kubernetes.apply("Job", "migrate", spec=spec)["status"]["succeeded"] == 1
