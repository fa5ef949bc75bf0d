"""One real PostgreSQL server: made, configured, started, changed and removed again, each step safe to repeat."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import psycopg

from localcloud.account import give, owner_of, unprivileged
from localcloud.body import BodyError
from localcloud.home import TRAVERSABLE_FOLDER, Home, NoFreeAddress, can_listen, write_atomically
from localcloud.identity import Authority
from localcloud.postgres import binaries, configuration, records, services
from localcloud.postgres.binaries import Binaries
from localcloud.postgres.configuration import REPLICATOR, Files
from localcloud.postgres.parameters import RESTART, translate
from localcloud.postgres.records import OPERATOR, Record
from localcloud.postgres.sessions import Session, connect, ensure_role
from localcloud.supervision import Program, SupervisionError, Supervisor, last_lines

READY_SECONDS = 30.0
LOOK_SECONDS = 0.05
STOP_SECONDS = 30
LOG_LINES = 4
FLOORS: Mapping[str, int] = {
    "max_connections": 100,
    "max_prepared_transactions": 0,
    "max_worker_processes": 8,
    "max_wal_senders": 10,
    "max_locks_per_transaction": 64,
}
"""What a standby must have at least as much of as its primary (PostgreSQL, "Hot Standby", administrator's overview),
with PostgreSQL's own defaults."""

# One flush of the file system costs far less than one of each of a thousand files.
SYNC = ("--sync-method=syncfs",) if sys.platform == "linux" else ()
INITDB = (
    *SYNC,
    "--username",
    OPERATOR,
    "--encoding=UTF8",
    "--locale=C",
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",
    "--auth-local=reject",
    "--auth-host=cert",
    "--data-checksums",
)

Setup = Callable[[Session], None]


class Server:
    """A server of one world, by its record."""

    def __init__(self, home: Home, record: Record) -> None:
        self.home = home
        self.record = record
        self._account = unprivileged()
        self._supervisor = Supervisor(home)
        self._folder = home.root / "postgres" / record.key
        self._configuration = self._folder / "etc"
        self.data = self._folder / "data"

    @property
    def running(self) -> bool:
        return self._supervisor.state(self.record.program).running

    @property
    def binaries(self) -> Binaries:
        return binaries.find(self.record.major)

    # -- life --------------------------------------------------------------------------------------------------------

    def make(self, setup: Setup) -> None:
        """Bring it to life, or finish what an earlier call began; on BodyError nothing of a new one is left behind."""
        new = not self.data.exists() or not self.record.complete
        try:
            with told_as_body_error(self.record):
                self._prepare()
                self._write_configuration()
                self._start()
                if self.record.source is None:
                    self._set_up(setup)
                self.record = records.change(self.home, self.record, complete=True)
                services.rewrite(self.home)
        except BodyError:
            if new:
                self.remove()
            raise

    def apply(self) -> None:
        """Make the server what its record says now, and run it, with a restart where nothing less does it."""
        for standby in self.standbys():
            Server(self.home, standby).apply()  # first, for it must never have less than its primary
        with told_as_body_error(self.record):
            changed = self._write_configuration()
            if not self.running:
                self._start()
            elif self._needs_restart(changed):
                self._supervisor.restart(self.record.program)
                self.await_ready()
            elif changed:
                self._reload()

    def standbys(self) -> list[Record]:
        """The servers that follow this one."""
        return [record for record in records.every(self.home) if record.source == self.record.key and record.complete]

    def stop(self) -> None:
        """Stop it and keep its data."""
        with told_as_body_error(self.record):
            self._supervisor.remove(self.record.program)

    def promote(self) -> None:
        """Make a standby a primary of its own."""
        with told_as_body_error(self.record), connect(self.home, self.record) as session:
            if session.execute("select pg_is_in_recovery()").fetchone() == (True,):
                session.execute("select pg_promote(true, 60)")
        self._leave_primary()
        self.record = records.change(self.home, self.record, source=None)
        self.apply()

    def remove(self) -> None:
        """Stop it and remove all of it; nothing happens where it is gone already."""
        try:
            self._supervisor.remove(self.record.program)
        except SupervisionError as problem:
            raise BodyError(str(problem)) from problem
        self._leave_primary()
        shutil.rmtree(self._folder, ignore_errors=True)
        self.home.release_address(self.record.address_owner)
        services.rewrite(self.home)

    def await_ready(self) -> None:
        """Return once it accepts sessions; BodyError with its log's last lines if it does not."""
        deadline = time.monotonic() + READY_SECONDS
        while True:
            try:
                connect(self.home, self.record).close()
            except psycopg.OperationalError as problem:
                self._judge(problem, time.monotonic() > deadline)
            else:
                return
            time.sleep(LOOK_SECONDS)

    # -- steps -------------------------------------------------------------------------------------------------------

    def _prepare(self) -> None:
        """The data folder, as a whole or not at all."""
        owner = owner_of(self._account)
        self.home.folder("postgres", mode=TRAVERSABLE_FOLDER if self._account else 0o700)
        self.home.folder("postgres", self.record.key, mode=TRAVERSABLE_FOLDER if self._account else 0o700)
        self._check_passable()
        records.save(self.home, self.record)
        self._configuration.mkdir(mode=0o700, exist_ok=True)
        os.chown(self._configuration, *owner)
        self._write_identities()
        if self.data.exists():
            return
        self._supervisor.remove(self.record.program)
        partial = self._folder / "data.partial"
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(mode=0o700)
        os.chown(partial, *owner)
        if self.record.source is None:
            self.binaries.run("initdb", [*INITDB, "--pgdata", str(partial)], self._account, self._folder)
        else:
            self._base_backup(partial)
        partial.rename(self.data)

    def _check_passable(self) -> None:
        """The server's account has to reach its folder."""
        closed = [parent for parent in self._folder.parents if not parent.stat().st_mode & 0o001]
        if self._account and closed:
            raise BodyError(f"{closed[-1]} is closed to account {self._account}: choose another LOCALCLOUD_HOME")

    def _write_identities(self) -> None:
        """Its own certificate and the one by which it would follow another server, readable by its account alone."""
        authority = Authority.of(self.home)
        authority.server_certificate(self._configuration, [self.record.address], self._account)
        pair = authority.client_certificate(REPLICATOR)
        for source, target in (
            (pair.certificate, self._files.replication_certificate),
            (pair.key, self._files.replication_key),
        ):
            write_atomically(target, source.read_text())
            give(target, self._account)

    def _base_backup(self, partial: Path) -> None:
        primary = self._primary
        name = configuration.slot(self.record)
        with connect(self.home, primary) as session:
            _drop_slot(session, name)
        where = configuration.replication_conninfo(primary, self._files)
        backup = ["--pgdata", str(partial), "--dbname", where, "--wal-method=stream", "--checkpoint=fast", *SYNC]
        self.binaries.run("pg_basebackup", [*backup, "--create-slot", "--slot", name], self._account, self._folder)
        signal = partial / "standby.signal"
        signal.touch(mode=0o600)
        give(signal, self._account)

    def _write_configuration(self) -> set[str]:
        """Write the files where they differ, once the server has accepted them; returns the settings that changed."""
        translation = translate(self.record.parameters, self.binaries)
        settings = {**translation.settings, **self._floors(translation.settings)}
        primary = self._primary if self.record.source else None
        wanted = {
            self._configuration / "postgresql.conf": configuration.postgresql_conf(
                self.record, settings, self._files, primary
            ),
            self._files.hba: configuration.pg_hba_conf(),
            self._files.ident: configuration.pg_ident_conf(self.record),
        }
        differing = {path: text for path, text in wanted.items() if _text(path) != text}
        changed = {name for path, text in differing.items() for name in _changed_names(_text(path), text)}
        for path, text in differing.items():
            draft = path.with_name(f"{path.name}.draft")
            write_atomically(draft, text)
            give(draft, self._account)
            if path.name == "postgresql.conf":
                self._check(draft)
            draft.replace(path)
        if differing:
            self._note(translation.left_out)
        return changed

    def _check(self, draft: Path) -> None:
        """Have PostgreSQL read the settings; a wrong one is told by its own words."""
        try:
            self.binaries.run(
                "postgres", ["-D", str(self.data), f"--config-file={draft}", "-C", "port"], self._account, self._folder
            )
        except BodyError as refused:
            draft.unlink()
            raise BodyError(
                f"PostgreSQL refuses the parameters: {str(refused).removeprefix('postgres: ')}"
            ) from refused

    def _note(self, left_out: tuple[str, ...]) -> None:
        """Tell the server's log which parameters have no effect here, and why."""
        with self._supervisor.log(self.record.program).open("a") as log:
            log.writelines(f"localcloud: {line}\n" for line in left_out)

    def _floors(self, settings: Mapping[str, str]) -> dict[str, str]:
        """For a standby, the settings in which its primary has (or once had) more."""
        if self.record.source is None:
            return {}
        primary = translate(self._primary.parameters, self.binaries).settings
        floors = {
            name: max(int(primary.get(name, default)), self.record.floors.get(name, 0))
            for name, default in FLOORS.items()
        }
        if floors != self.record.floors:
            self.record = records.change(self.home, self.record, floors=floors)
        return {name: str(max(value, int(settings.get(name, 0)))) for name, value in floors.items()}

    def _start(self) -> None:
        if not self.running:
            if not can_listen(self.record.address, self.record.port):
                where = f"port {self.record.port} of {self.record.address}"
                raise BodyError(f"{where} is taken by another program: stop that, and go on")
            self._forget_stranger()
        command = (self.binaries.tool("postgres"), "-D", str(self.data))
        self._supervisor.put(
            Program(
                name=self.record.program,
                command=(*command, f"--config-file={self._configuration / 'postgresql.conf'}"),
                directory=self._folder,
                environment={"HOME": str(self._folder), "LC_ALL": "C"},
                account=self._account,
                stop_signal="INT",  # end sessions, then stop in good order
                stop_seconds=STOP_SECONDS,
            )
        )
        self.await_ready()

    def _forget_stranger(self) -> None:
        """After a crash of the machine, the pid in postmaster.pid may be another server's, which blocks the start."""
        lock = self.data / "postmaster.pid"
        with contextlib.suppress(OSError, ValueError, IndexError):
            pid = int(lock.read_text().split("\n")[0])
            if Path(f"/proc/{pid}/cwd").resolve() != self.data.resolve():
                lock.unlink()

    def _set_up(self, setup: Setup) -> None:
        """Run the cloud's own statements; a server killed meanwhile is back soon, and they are safe to repeat."""
        deadline = time.monotonic() + READY_SECONDS
        while True:
            try:
                with connect(self.home, self.record) as session:
                    ensure_role(session, REPLICATOR, "login replication")
                    setup(session)
            except psycopg.OperationalError as problem:
                self._judge(problem, time.monotonic() > deadline)
            else:
                return
            time.sleep(LOOK_SECONDS)

    def _needs_restart(self, changed: set[str]) -> bool:
        known = self.binaries.settings
        return any(name in known and known[name].context == RESTART for name in changed)

    def _reload(self) -> None:
        """Return once new sessions get the new settings."""
        before = self._load_time()
        with connect(self.home, self.record) as session:
            session.execute("select pg_reload_conf()")
        deadline = time.monotonic() + READY_SECONDS
        while self._load_time() == before and time.monotonic() < deadline:
            time.sleep(LOOK_SECONDS)

    def _load_time(self) -> Any:
        with connect(self.home, self.record) as session:
            return session.execute("select pg_conf_load_time()").fetchone()

    def _judge(self, problem: psycopg.OperationalError, late: bool) -> None:
        """Raise if the server will not come; do nothing if it may still."""
        state = self._supervisor.state(self.record.program)
        if state.description != "FATAL" and not late:
            return
        words = last_lines(self._supervisor.log(self.record.program), LOG_LINES)
        first = (str(problem).splitlines() or [""])[0]
        raise BodyError(f"the server does not come up ({first}); its log ends: {words}") from problem

    def _leave_primary(self) -> None:
        """Drop the slot on the primary, which would keep its write-ahead log for us."""
        primary = records.load(self.home, self.record.source) if self.record.source else None
        if primary is not None:
            with contextlib.suppress(psycopg.Error), connect(self.home, primary) as session:
                _drop_slot(session, configuration.slot(self.record))

    @property
    def _primary(self) -> Record:
        primary = records.load(self.home, self.record.source or "")
        if primary is None:
            raise BodyError(f"the primary {self.record.source} does not exist")
        return primary

    @property
    def _files(self) -> Files:
        folder = self._configuration
        return Files(
            hba=folder / "pg_hba.conf",
            ident=folder / "pg_ident.conf",
            certificate=folder / "server.crt",
            key=folder / "server.key",
            authority=self.home.root / "identity" / "ca.crt",
            replication_certificate=folder / "replicator.crt",
            replication_key=folder / "replicator.key",
        )


@contextlib.contextmanager
def told_as_body_error(record: Record) -> Iterator[None]:
    """Turn what can go wrong with a server into one line that names it."""
    try:
        yield
    except BodyError as problem:
        raise BodyError(f"{record.cloud} database server {record.identifier}: {problem}") from problem
    except (OSError, SupervisionError, NoFreeAddress, psycopg.Error) as problem:
        first = (str(problem).splitlines() or [type(problem).__name__])[0]
        raise BodyError(f"{record.cloud} database server {record.identifier}: {first}") from problem


def _drop_slot(session: Session, name: str) -> None:
    which = "from pg_replication_slots where slot_name = %s"
    session.execute(f"select pg_terminate_backend(active_pid, 5000) {which} and active", [name])
    session.execute(f"select pg_drop_replication_slot(slot_name) {which}", [name])


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except FileNotFoundError:
        return ""


def _changed_names(old: str, new: str) -> set[str]:
    """The names of settings whose line differs."""
    return {line.partition(" =")[0] for line in set(old.splitlines()) ^ set(new.splitlines())}
