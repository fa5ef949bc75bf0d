"""One real PostgreSQL server: made, started, changed and removed again, each step safe to repeat."""

from __future__ import annotations

import contextlib
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg

from localcloud.emulator import EmulatorError
from localcloud.postgres import server_registry, services, standby
from localcloud.postgres.configuration import REPLICATOR
from localcloud.postgres.folder import Folder
from localcloud.postgres.server_registry import ServerRecord
from localcloud.postgres.sessions import Session, connect, ensure_role
from localcloud.sandbox import NoFreeAddress, Sandbox, can_listen
from localcloud.supervision import Program, Supervisor, last_lines
from localcloud.supervisord import SupervisionError

READY_SECONDS = 60.0
LOOK_SECONDS = 0.05
STOP_SECONDS = 30
LOG_LINES = 4

Setup = Callable[[Session], None]


class Server:
    """A server of one sandbox, by its record."""

    def __init__(self, sandbox: Sandbox, record: ServerRecord) -> None:
        self.sandbox = sandbox
        self.record = record
        self._folder = Folder(sandbox, record.key)
        self._supervisor = Supervisor(sandbox)

    @property
    def running(self) -> bool:
        return self._supervisor.state(self.record.program).running

    @property
    def data(self) -> Path:
        return self._folder.data

    def make(self, setup: Setup) -> None:
        """Start the server, or finish what an earlier call began; on EmulatorError nothing of a new one remains."""
        new = not self.data.exists() or not self.record.complete
        try:
            with as_emulator_error(self.record):
                self._folder.prepare(self.record)
                if not self.data.exists():
                    self._supervisor.remove(self.record.program)
                    self._folder.fill(self.record)
                self._run()
                if self.record.source is None:
                    self._set_up(setup)
                self.record = server_registry.change(self.sandbox, self.record, complete=True)
                services.rewrite(self.sandbox)
        except EmulatorError:
            if new:
                with contextlib.suppress(OSError, EmulatorError):
                    self.remove()
            raise

    def apply(self) -> None:
        """Make the server what its record says now, and run it."""
        for follower in self.standbys():
            Server(self.sandbox, follower).apply()  # first, for it must never have less than its primary
        with as_emulator_error(self.record):
            self._folder.write_keys(self.record)
            self._run()

    def standbys(self) -> list[ServerRecord]:
        """The servers that follow this one."""
        return [
            record
            for record in server_registry.every(self.sandbox)
            if record.source == self.record.key and record.complete
        ]

    def stop(self) -> None:
        """Stop it and keep its data."""
        with as_emulator_error(self.record):
            self._supervisor.remove(self.record.program)

    def promote(self) -> None:
        """Make a standby a primary of its own."""
        with as_emulator_error(self.record), connect(self.sandbox, self.record) as session:
            if session.execute("select pg_is_in_recovery()").fetchone() == (True,):
                session.execute("select pg_promote(true, 60)")
        standby.leave(self.sandbox, self.record)
        self.record = server_registry.change(self.sandbox, self.record, source=None, floors={})
        self.apply()

    def remove(self) -> None:
        """Stop it and remove all of it; nothing happens where it is gone already."""
        with as_emulator_error(self.record):
            self._supervisor.remove(self.record.program)
            standby.leave(self.sandbox, self.record)
            shutil.rmtree(self._folder.path, ignore_errors=True)
            if self._folder.path.exists():
                raise EmulatorError(f"{self._folder.path} cannot be removed")
            self.sandbox.release_address(self.record.address_owner)
            services.rewrite(self.sandbox)

    def await_ready(self) -> None:
        """Return once it accepts sessions; EmulatorError with its log's last lines if it does not."""
        self._persist(lambda: connect(self.sandbox, self.record).close())

    def _run(self) -> None:
        """Have it run with the configuration that its record asks for, and restart it where nothing less does it."""
        primary = standby.primary_of(self.sandbox, self.record)
        if primary is not None:
            floors = standby.floors(self.record, primary, server_registry.binaries_of(self.record))
            self.record = server_registry.change(self.sandbox, self.record, floors=floors)
        left_out = self._folder.configure(self.record)
        with self._supervisor.log(self.record.program).open("a") as log:
            log.writelines(f"localcloud: {line}\n" for line in left_out)
        ran = self.running
        if not ran:
            self._make_way()
        self._supervisor.put(self._program())  # also where it runs, for its supervisor may have been killed
        self.await_ready()
        if ran and self._reloaded_needs_restart():
            self._supervisor.restart(self.record.program)
            self.await_ready()

    def _program(self) -> Program:
        postgres = server_registry.binaries_of(self.record).tool("postgres")
        return Program(
            name=self.record.program,
            command=(postgres, "-D", str(self.data), f"--config-file={self._folder.settings}"),
            directory=self._folder.path,
            environment={"HOME": str(self._folder.path), "LC_ALL": "C"},
            account=self._folder.account,
            stop_signal="INT",  # end sessions, then stop in good order
            stop_seconds=STOP_SECONDS,
        )

    def _make_way(self) -> None:
        """Refuse a taken port by its name, and forget a pid that is another process's since the machine crashed."""
        where = f"port {self.record.port} of {self.record.address}"
        if not can_listen(self.record.address, self.record.port) and not self.running:
            raise EmulatorError(f"{where} is taken by another program: stop that, and go on")
        lock = self.data / "postmaster.pid"
        with contextlib.suppress(OSError, ValueError, IndexError):
            pid = int(lock.read_text().split("\n")[0])
            if Path(f"/proc/{pid}/cwd").resolve() != self.data.resolve():
                lock.unlink()

    def _set_up(self, setup: Setup) -> None:
        """Run the cloud's own statements; they are safe to repeat for a server that was killed meanwhile."""

        def statements() -> None:
            with connect(self.sandbox, self.record) as session:
                ensure_role(session, REPLICATOR, "login replication")
                setup(session)

        self._persist(statements)

    def _reloaded_needs_restart(self) -> bool:
        """Have it read its files again; true if new sessions do not get all of that without a restart.

        Asked of the server, not of the files: an earlier call may have ended between writing and restarting.
        """
        before = self._ask("select pg_conf_load_time()")
        self._ask("select pg_reload_conf()")
        deadline = time.monotonic() + READY_SECONDS
        while self._ask("select pg_conf_load_time()") == before and time.monotonic() < deadline:
            time.sleep(LOOK_SECONDS)
        return self._ask("select count(*) from pg_settings where pending_restart") != (0,)

    def _ask(self, question: Any) -> tuple[Any, ...] | None:
        with connect(self.sandbox, self.record) as session:
            return session.execute(question).fetchone()

    def _persist(self, attempt: Callable[[], None]) -> None:
        """Try until it works; a server that starts or was killed is back soon."""
        deadline = time.monotonic() + READY_SECONDS
        while True:
            try:
                return attempt()
            except psycopg.OperationalError as problem:
                self._judge(problem, time.monotonic() > deadline)
            time.sleep(LOOK_SECONDS)

    def _judge(self, problem: psycopg.OperationalError, late: bool) -> None:
        """Raise if the server will not come; do nothing if it may still."""
        state = self._supervisor.state(self.record.program)
        if state.description != "FATAL" and not late:
            return
        words = last_lines(self._supervisor.log(self.record.program), LOG_LINES)
        first = (str(problem).splitlines() or [""])[0]
        raise EmulatorError(f"the server does not come up ({first}); its log ends: {words}") from problem


@contextlib.contextmanager
def as_emulator_error(record: ServerRecord) -> Iterator[None]:
    """Turn what can go wrong with a server into one line that names it."""
    name = f"{record.cloud} database server {record.identifier}"
    try:
        yield
    except EmulatorError as problem:
        text = str(problem)
        raise EmulatorError(text if text.startswith(name) else f"{name}: {text}") from problem
    except (OSError, SupervisionError, NoFreeAddress, psycopg.Error) as problem:
        first = (str(problem).splitlines() or [type(problem).__name__])[0]
        raise EmulatorError(f"{name}: {first}") from problem
