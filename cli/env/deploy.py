"""What the environment commands do: each is a run of the engine on one stack."""

from __future__ import annotations

import json
import shutil
import sys

from cli.engine.session import Session, open_session
from cli.env import overview
from cli.gate import Gate
from localcloud.kubernetes.reconcile import reconcile
from localcloud.sandbox import Sandbox
from localcloud.supervision import Supervisor
from stacks.environment import REHEARSAL_PREFIX


def bring_up(env: str, gate: Gate, *, yes: bool, as_json: bool) -> None:
    """`pulumi up`; servers that a reboot or a killed supervisor stopped are started first, on this machine only.

    Real clouds are changed only after the engine has asked, or with `yes`.
    """
    session = open_session(env)
    command = ("up", *_consent(session, yes))
    with session.alone():
        if env == "local":
            wake(session.sandbox)
        session.prepare()
        if as_json:
            gate.captured(session, *command)
        else:
            gate.run(session, *command)
    if env == "local":
        overview.show_after_up(session.sandbox, as_json=as_json)


def take_down(env: str, *, yes: bool) -> None:
    """`pulumi destroy`, then remove all that the local environment has on this machine."""
    session = open_session(env)
    with session.alone():
        if session.exists():
            session.run("destroy", *_consent(session, yes))
        if env == "local":
            Supervisor(session.sandbox).shutdown()
    if env == "local":
        shutil.rmtree(session.sandbox.root)
        print("Nothing of the local environment is left on this machine.")


def preview(env: str, gate: Gate, *, real: bool) -> None:
    """`pulumi preview`, simulated unless `real`."""
    session = open_session(env if real or env == "local" else f"{REHEARSAL_PREFIX}{env}")
    with session.alone():
        session.prepare()
        gate.run(session, "preview", *(() if sys.stdout.isatty() else ("--suppress-progress",)), "--suppress-outputs")


def preview_as_json(env: str) -> dict[str, object]:
    """The engine's own account of a simulated preview, with what stays as it is."""
    session = open_session(f"{REHEARSAL_PREFIX}{env}")
    with session.alone():
        session.prepare()
        document: dict[str, object] = json.loads(session.captured("preview", "--json", "--show-sames"))
    return document


def rehearse(env: str, gate: Gate) -> None:
    """`pulumi up` of the environment on emulators that only record."""
    session = open_session(f"{REHEARSAL_PREFIX}{env}")
    with session.alone():
        session.prepare()
        gate.run(session, "up", *_consent(session, yes=True), "--suppress-progress")


def refresh(env: str) -> None:
    """`pulumi refresh` of the environment itself."""
    session = open_session(env)
    with session.alone():
        session.run("refresh", *_consent(session, yes=False))


def _consent(session: Session, yes: bool) -> tuple[str, ...]:
    """A simulated run needs none, and its outputs (kubeconfigs of no cluster) tell nobody anything."""
    if session.simulated:
        return ("--yes", "--skip-preview", "--suppress-outputs")
    return ("--yes", "--skip-preview") if yes else ()


def wake(sandbox: Sandbox) -> None:
    """Start what the sandbox had running, or take it over where it still runs."""
    supervisor = Supervisor(sandbox)
    if supervisor.states():
        supervisor.ensure_running()
        reconcile(sandbox)
