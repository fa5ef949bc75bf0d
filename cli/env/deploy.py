"""The work of the environment commands: each runs the engine on one stack."""

from __future__ import annotations

import json
import shutil
import sys

from cli.compliance.gate import Gate
from cli.engine.session import Session, name_stack, open_session
from cli.env import overview
from cli.shared.options import LOCAL
from localcloud.kubernetes.reconcile import reconcile
from localcloud.sandbox import Sandbox
from localcloud.supervision import Supervisor
from stacks.environment import REHEARSAL_PREFIX


def bring_up(env: str, gate: Gate, *, yes: bool, as_json: bool) -> None:
    """Run `pulumi up`; first start local servers that a reboot or a killed supervisor stopped.

    The engine asks before it changes real clouds, unless `yes`.
    """
    session = open_session(env)
    command = ("up", *_consent(session, yes))
    with session.hold():
        if env == LOCAL:
            _wake(session.sandbox)
        session.prepare()
        if as_json:
            gate.capture(session, *command)
        else:
            gate.run(session, *command)
    if env == LOCAL:
        overview.show_after_up(session.sandbox, as_json=as_json)


def take_down(env: str, *, yes: bool) -> None:
    """Run `pulumi destroy`; then delete the sandbox of the local environment."""
    session = open_session(env)
    with session.hold():
        if session.exists():
            session.run("destroy", *_consent(session, yes))
        if env == LOCAL:
            Supervisor(session.sandbox).shutdown()
    if env == LOCAL:
        shutil.rmtree(session.sandbox.root)
        print("Nothing of the local environment is left on this machine.")


def preview(env: str, gate: Gate, *, real: bool) -> None:
    """Run `pulumi preview`, simulated unless `real`."""
    session = open_session(name_stack(env, real=real))
    with session.hold():
        session.prepare()
        gate.run(session, "preview", *(() if sys.stdout.isatty() else ("--suppress-progress",)), "--suppress-outputs")


def preview_as_json(env: str) -> dict[str, object]:
    """Return the JSON of a preview against the rehearsal, unchanged resources included."""
    session = open_session(f"{REHEARSAL_PREFIX}{env}")
    with session.hold():
        session.prepare()
        document: dict[str, object] = json.loads(session.capture("preview", "--json", "--show-sames"))
    return document


def rehearse(env: str, gate: Gate) -> None:
    """Run `pulumi up` on emulators that only record."""
    session = open_session(f"{REHEARSAL_PREFIX}{env}")
    with session.hold():
        session.prepare()
        gate.run(session, "up", *_consent(session, yes=True), "--suppress-progress")


def refresh(env: str) -> None:
    """Run `pulumi refresh` on the environment itself."""
    session = open_session(env)
    with session.hold():
        session.run("refresh", *_consent(session, yes=False))


def _consent(session: Session, yes: bool) -> tuple[str, ...]:
    """Return the options that replace the engine's question; outputs of a simulated run are of no use to anybody."""
    if session.simulated:
        return ("--yes", "--skip-preview", "--suppress-outputs")
    return ("--yes", "--skip-preview") if yes else ()


def _wake(sandbox: Sandbox) -> None:
    """Start the sandbox's programs, or take over those that still run."""
    supervisor = Supervisor(sandbox)
    if supervisor.states():
        supervisor.ensure_running()
        reconcile(sandbox)
