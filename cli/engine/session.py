"""The Pulumi engine as this project runs it: which stack, which world, which plugins, which backend."""

from __future__ import annotations

import contextlib
import datetime
import os
import shlex
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from cli.engine.stack_files import prepare_stack
from localcloud.sandbox import CHECKOUT, Sandbox, default_root
from stacks.environment import PROJECT, Environment, ExecutionMode
from stacks.guard import describe_mode
from tools.engine import Engine, locate
from tools.engine.simulation import engine_variables

REHEARSALS = "rehearsals"


class EngineFailed(Exception):
    """The engine ended with an error, which it has shown already; `status` is its exit status."""

    def __init__(self, command: Sequence[str], status: int) -> None:
        super().__init__(
            f"pulumi {' '.join(command[:1])} failed with exit status {status}; its own message stands above"
        )
        self.status = status


class StackMissing(Exception):
    """A real environment's stack is not in the backend that Pulumi is logged into, or there is no login."""

    def __init__(self, stack: str) -> None:
        super().__init__(
            f"stack {stack} is not in your Pulumi backend, or you are not logged in: `pulumi login <backend>`, then"
            f" `pulumi stack init {stack} --secrets-provider=<key>`; without a credential, `fortress preview` works"
        )


@dataclass(frozen=True)
class Session:
    """One stack and the world it runs in."""

    stack: str
    environment: Environment
    sandbox: Sandbox
    engine: Engine

    @property
    def simulated(self) -> bool:
        """Whether emulators answer for the clouds."""
        return self.environment.mode is not ExecutionMode.REAL

    def variables(self) -> dict[str, str]:
        """What the engine's environment needs over and above the caller's."""
        return engine_variables(self.engine, self.sandbox if self.simulated else None)

    def run(self, *command: str, quiet: bool = False, variables: Mapping[str, str] | None = None) -> None:
        """Run a pulumi command on this stack, its output passed through; raises EngineFailed."""
        status = self._process([*command, "--stack", self.stack], quiet=quiet, variables=variables).returncode
        if status:
            raise EngineFailed(command, status)

    def captured(self, *command: str, variables: Mapping[str, str] | None = None) -> str:
        """Run a pulumi command on this stack and return what it printed; raises EngineFailed with it shown."""
        result = subprocess.run(
            [self._pulumi, *command, "--stack", self.stack, "--non-interactive"],
            cwd=CHECKOUT,
            env={**os.environ, **self.variables(), **(variables or {})},
            text=True,
            capture_output=True,
        )
        if result.returncode:
            sys.stderr.write(result.stdout + result.stderr)
            raise EngineFailed(command, result.returncode)
        return result.stdout

    def exists(self) -> bool:
        """Whether the stack is known to its backend."""
        if self.simulated:
            return self._state_file().exists()
        return self._process(["stack", "--stack", self.stack], quiet=True).returncode == 0

    def prepare(self) -> None:
        """Create a simulated stack where it does not exist yet; raises StackMissing for a real one.

        Where real state is kept, and which key encrypts its secrets, is for its owner to say.
        """
        if self.exists():
            return
        if not self.simulated:
            raise StackMissing(self.stack)
        self.run("stack", "init", "--no-select", "--secrets-provider", "passphrase", quiet=True)

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """Hold the stack against every other command on this machine.

        Whoever holds it knows that an engine lock left in the backend belongs to a run that was killed, and removes it.
        """
        if not self.simulated:
            yield
            return
        with self.sandbox.lock(f"stack-{self.stack}"):
            if self._engine_locks():
                self.run("cancel", "--yes", quiet=True)
            yield

    @property
    def _pulumi(self) -> str:
        return str(self.engine.pulumi)

    def _state_file(self) -> Path:
        return self.sandbox.root / "state" / ".pulumi" / "stacks" / PROJECT / f"{self.stack}.json"

    def _engine_locks(self) -> list[Path]:
        return list((self.sandbox.root / "state" / ".pulumi" / "locks").glob(f"**/{self.stack}/*.json"))

    def _process(
        self, command: Sequence[str], *, quiet: bool, variables: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [self._pulumi, *command, "--non-interactive"] if quiet else [self._pulumi, *command],
            cwd=CHECKOUT,
            env={**os.environ, **self.variables(), **(variables or {})},
            text=True,
            stdout=subprocess.DEVNULL if quiet else None,
            stderr=subprocess.DEVNULL if quiet else None,
        )


def sandbox_of(world: ExecutionMode) -> Sandbox:
    """The folder of a simulated world: rehearsals have one of their own beside the local world's things."""
    root = default_root()
    if world is ExecutionMode.REHEARSAL:
        Sandbox.open(root)
        return Sandbox.open(root / REHEARSALS)
    return Sandbox.open(root)


def open_session(stack: str) -> Session:
    """The stack's settings, checked, with its world and engine; a simulated run says so at once."""
    environment = prepare_stack(CHECKOUT, stack, datetime.date.today())
    if environment.mode is not ExecutionMode.REAL:
        print(describe_mode(environment), file=sys.stderr, flush=True)
    return Session(stack, environment, sandbox_of(environment.mode), locate())


def shell_lines(variables: Mapping[str, str]) -> str:
    """The same variables as lines that a POSIX shell can source."""
    return "\n".join(f"export {name}={shlex.quote(value)}" for name, value in variables.items())
