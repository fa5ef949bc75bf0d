"""A run of the Pulumi engine: its stack, execution mode, plugins and backend."""

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
from cli.shared.options import LOCAL
from localcloud.sandbox import CHECKOUT, Sandbox, default_root
from stacks.environment import PROJECT, REHEARSAL_PREFIX, Environment, ExecutionMode
from stacks.guard import describe_mode
from tools.engine import Engine, locate
from tools.engine.simulation import engine_variables

REHEARSALS = "rehearsals"


class EngineFailed(Exception):
    """The engine failed and has printed why; `status` is its exit status."""

    def __init__(self, command: Sequence[str], status: int) -> None:
        super().__init__(f"pulumi {' '.join(command[:1])} failed with exit status {status}; see its message above")
        self.status = status


class StackMissing(Exception):
    """A real environment's stack is not in Pulumi's backend, or nobody is logged in to that backend."""

    def __init__(self, stack: str) -> None:
        super().__init__(
            f"stack {stack} is not in your Pulumi backend, or you are not logged in: `pulumi login <backend>`, then"
            f" `pulumi stack init {stack} --secrets-provider=<key>`; without a credential, `fortress preview` works"
        )


@dataclass(frozen=True)
class Session:
    """One stack, the sandbox of its emulators, and the engine that runs it."""

    stack: str
    environment: Environment
    sandbox: Sandbox
    engine: Engine

    @property
    def simulated(self) -> bool:
        """Tell whether emulators answer for the clouds."""
        return self.environment.mode is not ExecutionMode.REAL

    def variables(self) -> dict[str, str]:
        """Return the environment variables that the engine needs besides those of this process."""
        return engine_variables(self.engine, self.sandbox if self.simulated else None)

    def run(self, *command: str, quiet: bool = False, variables: Mapping[str, str] | None = None) -> None:
        """Run a pulumi command on this stack, pass its output through; raises EngineFailed."""
        status = self._process([*command, "--stack", self.stack], quiet=quiet, variables=variables).returncode
        if status:
            raise EngineFailed(command, status)

    def capture(self, *command: str, variables: Mapping[str, str] | None = None) -> str:
        """Run a pulumi command on this stack and return its output; prints it and raises EngineFailed on failure."""
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
        """Tell whether the backend has the stack."""
        if self.simulated:
            return self._state_file().exists()
        return self._process(["stack", "--stack", self.stack], quiet=True).returncode == 0

    def prepare(self) -> None:
        """Create a simulated stack that does not exist yet; raises StackMissing for a real one.

        The owner of a real stack chooses its backend and the key that encrypts its secrets.
        """
        if self.exists():
            return
        if not self.simulated:
            raise StackMissing(self.stack)
        self.run("stack", "init", "--no-select", "--secrets-provider", "passphrase", quiet=True)

    @contextlib.contextmanager
    def hold(self) -> Iterator[None]:
        """Lock a simulated stack against other commands on this machine.

        Under this lock no run is in progress, so a lock of the engine in the backend is left from a killed run: cancel
        it. The backend of a real stack has locks of its own.
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


def open_sandbox(mode: ExecutionMode) -> Sandbox:
    """Open the sandbox of an execution mode; that of rehearsals is a folder in the local environment's."""
    root = default_root()
    if mode is ExecutionMode.REHEARSAL:
        Sandbox.open(root)
        return Sandbox.open(root / REHEARSALS)
    return Sandbox.open(root)


def name_stack(env: str, *, real: bool = False) -> str:
    """Return the stack that commands look at: the environment's own where it is local or `real`, else its rehearsal."""
    return env if real or env == LOCAL else f"{REHEARSAL_PREFIX}{env}"


def open_session(stack: str) -> Session:
    """Read and check a stack's settings and find the engine; print a line where the run is simulated."""
    environment = prepare_stack(CHECKOUT, stack, datetime.date.today())
    if environment.mode is not ExecutionMode.REAL:
        print(describe_mode(environment), file=sys.stderr, flush=True)
    return Session(stack, environment, open_sandbox(environment.mode), locate())


def shell_lines(variables: Mapping[str, str]) -> str:
    """Render variables as lines that a POSIX shell can source."""
    return "\n".join(f"export {name}={shlex.quote(value)}" for name, value in variables.items())
