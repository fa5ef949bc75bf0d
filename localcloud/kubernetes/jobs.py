"""Jobs: processes that must end well."""

from __future__ import annotations

import contextlib
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass

from localcloud import interruption
from localcloud.emulator import EmulatorError, Properties
from localcloud.kubernetes import kubelet
from localcloud.kubernetes.cluster import Cluster, Key, Manifest
from localcloud.kubernetes.kubelet import LOG_LINES
from localcloud.kubernetes.objects import ObjectEmulator
from localcloud.kubernetes.pods import FAILED, RUNNING, SUCCEEDED, Pod, digest_of
from localcloud.process_shim import read_start
from localcloud.supervision import last_lines

DEFAULT_BACKOFF_LIMIT = 6
FIRST_BACKOFF_SECONDS = 0.5
LOOK_SECONDS = 0.1
LONGEST_BACKOFF_SECONDS = 5.0
"""The pause between two tries doubles from the first to the longest (Kubernetes: 10 seconds to 6 minutes)."""


class JobEmulator(ObjectEmulator):
    """Made when its pods have ended well; one that has is not run again while its template is the same."""

    kind = "Job"

    def apply(self, cluster: Cluster, manifest: Manifest) -> None:
        """Run it where that is due, then store it with its outcome."""
        key = Key.of(manifest)
        digest = digest_of(manifest["spec"]["template"])
        earlier = cluster.get(key.kind, key.namespace, key.name)
        if earlier is not None and earlier["status"]["template"] == digest:
            cluster.put({**manifest, "status": earlier["status"]})
            return
        kubelet.stop(Pod.owned_by(cluster, key))
        try:
            failed = _run(cluster, manifest)
        except BaseException:
            kubelet.stop(Pod.owned_by(cluster, key))
            raise
        completions = int(manifest["spec"].get("completions") or 1)
        conditions = [{"type": "Complete", "status": "True"}]
        outcome = {"succeeded": completions, "failed": failed, "conditions": conditions, "template": digest}
        cluster.put({**manifest, "status": outcome})

    def withdraw(self, cluster: Cluster, manifest: Manifest) -> None:
        """Forget its pods, and stop what an interrupted run may have left."""
        kubelet.stop(Pod.owned_by(cluster, Key.of(manifest)))

    def observe(self, cluster: Cluster, manifest: Manifest) -> Properties:
        """Its outcome."""
        key = Key.of(manifest)
        stored = cluster.get(key.kind, key.namespace, key.name) or {}
        outcome = {name: value for name, value in stored.get("status", {}).items() if name != "template"}
        return {"status": outcome}


@dataclass(frozen=True)
class _Outcome:
    """How one pod of a job ended."""

    succeeded: bool
    account: str
    """For the user: which pod, what code, what it said last."""


def _run(cluster: Cluster, job: Manifest) -> int:
    """Run the pods of a job one after another; returns how many failed, EmulatorError where those were too many."""
    spec = job["spec"]
    limit = DEFAULT_BACKOFF_LIMIT if spec.get("backoffLimit") is None else int(spec["backoffLimit"])
    allowed = spec.get("activeDeadlineSeconds")
    deadline = None if allowed is None else time.monotonic() + float(allowed)
    succeeded = failed = 0
    while succeeded < int(spec.get("completions") or 1):
        pod = Pod.drafted(cluster, job, spec["template"], str(succeeded + failed))
        outcome = _try(pod, deadline)
        if outcome.succeeded:
            succeeded += 1
            continue
        failed += 1
        if failed > limit:
            raise EmulatorError(f"{outcome.account} (failed {failed} times)" if failed > 1 else outcome.account)
        time.sleep(min(FIRST_BACKOFF_SECONDS * 2 ** (failed - 1), LONGEST_BACKOFF_SECONDS))
    return failed


def _try(pod: Pod, deadline: float | None) -> _Outcome:
    """Run one pod to its end. Its log stays until the job is removed; its address does not."""
    placed, around = kubelet.place(pod)
    log = around.folder / "log"
    processes = [kubelet.begin(container, log) for container in kubelet.initialised(placed, around)]
    identities = [{"pid": process.pid, "start": read_start(process.pid) or ""} for process in processes]
    running = placed.with_status(phase=RUNNING, processes=identities)
    code = _code(processes, deadline)
    if code is None:
        raise EmulatorError(f"pod {pod.name} is not done within activeDeadlineSeconds: {last_lines(log, LOG_LINES)}")
    kubelet.release(running)
    running.with_status(phase=FAILED if code else SUCCEEDED, podIP="", processes=[])
    return _Outcome(code == 0, f"pod {pod.name} exits with {code}: {last_lines(log, LOG_LINES)}")


def _code(processes: Sequence[subprocess.Popen[bytes]], deadline: float | None) -> int | None:
    """The first exit code that is not 0, else 0; None where the deadline came first."""
    while (running := next((process for process in processes if process.poll() is None), None)) is not None:
        if deadline is not None and time.monotonic() > deadline:
            return None
        interruption.check("a Job's pod")
        with contextlib.suppress(subprocess.TimeoutExpired):
            running.wait(LOOK_SECONDS)
    return next((code for process in processes if (code := process.returncode)), 0)
