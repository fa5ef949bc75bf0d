"""What a rollout waits for: pods that become ready, or prove that they never will."""

from __future__ import annotations

import time
from collections.abc import Sequence

from localcloud import interruption
from localcloud.emulator import EmulatorError
from localcloud.kubernetes.kubelet import log_of, ready, states
from localcloud.kubernetes.pods import Pod
from localcloud.supervision import ProcessState

EXITS = 3
"""So often a new pod's process may end before it counts as broken."""
DOWN_SECONDS = 3.0
"""So long a new pod's process may lie still between two starts before it counts as broken."""
LOOK_SECONDS = 0.1
DOWN = ("BACKOFF", "EXITED", "FATAL")


class Patience:
    """Watches one pod until it is ready; loses patience with one whose process keeps ending."""

    def __init__(self, pod: Pod) -> None:
        self.pod = pod
        self._seen: dict[str, set[int]] = {}
        self._down_since: dict[str, float] = {}

    def ready(self) -> bool:
        """Whether the pod is ready now; EmulatorError with its last log lines where it ended too often."""
        now = states(self.pod)
        broken = next((state for state in now if self._ended_too_often(state)), None)
        if broken is not None:
            raise EmulatorError(f"pod {self.pod.name} keeps ending: {log_of(self.pod)}")
        return ready(self.pod, now)

    def _ended_too_often(self, state: ProcessState) -> bool:
        seen = self._seen.setdefault(state.name, set())
        if state.pid is not None:
            seen.add(state.pid)
        if state.running:
            self._down_since.pop(state.name, None)
            return len(seen) > EXITS
        if state.description not in DOWN:
            return False
        since = self._down_since.setdefault(state.name, time.monotonic())
        return len(seen) >= EXITS or time.monotonic() - since > DOWN_SECONDS


def await_ready(pods: Sequence[Pod], seconds: float) -> None:
    """Return when all pods are ready; EmulatorError where one keeps ending, or is not ready in time."""
    deadline = time.monotonic() + seconds
    waiting = [Patience(pod) for pod in pods]
    while True:
        waiting = [each for each in waiting if not each.ready()]
        if not waiting:
            return
        interruption.check(f"pod {waiting[0].pod.name}")
        if time.monotonic() > deadline:
            late = waiting[0].pod
            raise EmulatorError(f"pod {late.name} is not ready after {seconds:.0f} s: {log_of(late)}")
        time.sleep(LOOK_SECONDS)
