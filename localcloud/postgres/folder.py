"""A server on disk: its data, its keys and its configuration, which only the server's account can read."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from localcloud.account import give, owner_of, unprivileged
from localcloud.emulator import EmulatorError
from localcloud.identity import Authority
from localcloud.postgres import configuration, server_registry, standby
from localcloud.postgres.binaries import SYNC
from localcloud.postgres.configuration import REPLICATOR, Files
from localcloud.postgres.parameters import translate
from localcloud.postgres.server_registry import OPERATOR, ServerRecord
from localcloud.sandbox import PRIVATE_FOLDER, TRAVERSABLE_FOLDER, Sandbox, write_atomically

INITDB = (
    "--username",
    OPERATOR,
    "--encoding=UTF8",
    "--locale=C",
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",
    "--auth-local=reject",
    "--auth-host=cert",
    "--data-checksums",
    *SYNC,
)


class Folder:
    """`<sandbox>/postgres/<key>`: `data` and, in `etc`, what the server reads at its start."""

    def __init__(self, sandbox: Sandbox, key: str) -> None:
        self._sandbox = sandbox
        self.account = unprivileged()
        self.path = sandbox.root / "postgres" / key
        self.data = self.path / "data"
        self._etc = self.path / "etc"
        self.settings = self._etc / "postgresql.conf"
        self._files = Files(
            hba=self._etc / "pg_hba.conf",
            ident=self._etc / "pg_ident.conf",
            certificate=self._etc / "server.crt",
            key=self._etc / "server.key",
            authority=sandbox.root / "identity" / "ca.crt",
            replication_certificate=self._etc / "replicator.crt",
            replication_key=self._etc / "replicator.key",
        )

    def prepare(self, record: ServerRecord) -> None:
        """Folder, record and keys; the data folder may follow."""
        mode = TRAVERSABLE_FOLDER if self.account else PRIVATE_FOLDER
        self._sandbox.folder("postgres", mode=mode)
        self._sandbox.folder("postgres", record.key, mode=mode)
        closed = [parent for parent in self.path.parents if not parent.stat().st_mode & 0o001]
        if self.account and closed:
            raise EmulatorError(f"{closed[-1]} is closed to account {self.account}: choose another LOCALCLOUD_HOME")
        server_registry.save(self._sandbox, record)
        self._etc.mkdir(mode=PRIVATE_FOLDER, exist_ok=True)
        give(self._etc, self.account)
        self.write_keys(record)

    def write_keys(self, record: ServerRecord) -> None:
        """The server's own certificate, and the one by which it would follow another server; renewed in good time."""
        authority = Authority.of(self._sandbox)
        authority.server_certificate(self._etc, [record.address], self.account)
        pair = authority.client_certificate(REPLICATOR)
        for source, target in (
            (pair.certificate, self._files.replication_certificate),
            (pair.key, self._files.replication_key),
        ):
            write_atomically(target, source.read_text())
            give(target, self.account)

    def fill(self, record: ServerRecord) -> None:
        """The data folder, as a whole or not at all: what is there under another name does not count."""
        partial = self.path / "data.partial"
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(mode=PRIVATE_FOLDER)
        os.chown(partial, *owner_of(self.account))
        primary = standby.primary_of(self._sandbox, record)
        if primary is None:
            tools = server_registry.binaries_of(record)
            tools.run("initdb", [*INITDB, "--pgdata", str(partial)], self.account, self.path)
        else:
            standby.base_backup(self._sandbox, record, primary, self._files, partial, self.account)
        partial.rename(self.data)

    def configure(self, record: ServerRecord) -> tuple[str, ...]:
        """Write what differs, once PostgreSQL has accepted it; returns a line for each parameter without effect here.

        EmulatorError says in PostgreSQL's own words what is wrong with a value.
        """
        translation = translate(record.parameters, server_registry.binaries_of(record))
        settings = dict(translation.settings)
        for name, least in record.floors.items():
            settings[name] = str(max(least, int(settings.get(name, 0))))
        primary = standby.primary_of(self._sandbox, record)
        wanted = {
            self.settings: configuration.postgresql_conf(record, settings, self._files, primary),
            self._files.hba: configuration.pg_hba_conf(),
            self._files.ident: configuration.pg_ident_conf(record),
        }
        differing = {path: text for path, text in wanted.items() if not path.exists() or path.read_text() != text}
        for path, text in differing.items():
            draft = path.with_name(f"{path.name}.draft")
            write_atomically(draft, text)
            give(draft, self.account)
            if path == self.settings:
                self._check(record, draft)
            draft.replace(path)
        return translation.left_out if differing else ()

    def _check(self, record: ServerRecord, draft: Path) -> None:
        words = ["-D", str(self.data), f"--config-file={draft}", "-C", "port"]
        try:
            server_registry.binaries_of(record).run("postgres", words, self.account, self.path)
        except EmulatorError as refused:
            draft.unlink()
            reason = str(refused).removeprefix("postgres: ")
            raise EmulatorError(f"PostgreSQL refuses the parameters: {reason}") from refused
