"""The shards that a command works on: those of a directory file, or of the environment that `--env` names."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from app.settings import PREFIX, CommonSettings, load
from app.topology import Directory, parse_directory, read_directory
from cli.shared.options import LOCAL

if TYPE_CHECKING:
    from localcloud.sandbox import Sandbox

DIRECTORY_VARIABLE = f"{PREFIX}DIRECTORY"
ENVIRONMENT_VARIABLE = f"{PREFIX}ENVIRONMENT"
CLOUD_VARIABLE = f"{PREFIX}CLOUD"
NAME_A_FILE = f"name a directory file (--directory, {DIRECTORY_VARIABLE})"

Settings = TypeVar("Settings", bound=CommonSettings)


class NoShards(Exception):
    """No directory file is named, and the environment's own cannot be read here."""


@dataclass(frozen=True)
class Target:
    """The shards of an environment, and the way in which this machine logs in to them."""

    directory: Directory
    file: Path | None = None
    """The directory file; None in the local environment."""
    sandbox: Sandbox | None = None
    """The local environment, which issues client certificates; None where the process has its own logins."""

    def settings(self, kind: Callable[..., Settings]) -> Settings:
        """Read settings from FORTRESS_… variables, those of the local environment from its sandbox.

        Raises WrongSetting.
        """
        if self.sandbox is None:
            return load(kind, directory=self.file, cloud=self._cloud())  # type: ignore[arg-type]
        from localcloud.master_key import master_key_of

        return load(
            kind,  # type: ignore[arg-type]
            cloud=self._cloud(),
            environment=LOCAL,
            master_key=f"file:{master_key_of(self.sandbox)}",
        )

    @contextmanager
    def logged_in_as(self, account: str) -> Iterator[None]:
        """Make libpq log in to the local environment as a workload; elsewhere the process has its own login."""
        variables = {} if self.sandbox is None else _client_variables(self.sandbox, account)
        before = {name: os.environ.get(name) for name in variables}
        os.environ.update(variables)
        try:
            yield
        finally:
            for name, value in before.items():
                if value is None:
                    del os.environ[name]
                else:
                    os.environ[name] = value

    def _cloud(self) -> str:
        """Return the cloud nearest to this process; an operator's machine is in none, so take that of the map."""
        return os.environ.get(CLOUD_VARIABLE) or self.directory.map_shard.home


def find_target(env: str | None, file: Path | None) -> Target:
    """Return the shards that `file` lists, else those of `env`, else of FORTRESS_DIRECTORY, else the local ones.

    Raises WrongDirectory and NoShards.
    """
    named = file or _file_of_variable(env)
    if named is not None:
        return Target(read_directory(named), file=named)
    if env not in (None, LOCAL):
        raise NoShards(f"this machine does not know the shards of {env}: {NAME_A_FILE}")
    return local_target()


def local_target() -> Target:
    """Return the shards of the local environment; raises NoShards where it is not up or not installed."""
    missing = f"no shards: {NAME_A_FILE}, or bring the local environment up with `make up`"
    try:
        from localcloud.sandbox import Sandbox, default_root
    except ModuleNotFoundError:
        raise NoShards(missing) from None
    sandbox = Sandbox(default_root())
    directory = local_directory(sandbox) if sandbox.root.is_dir() else None
    if directory is None:
        raise NoShards(missing)
    return Target(directory, sandbox=sandbox)


def local_directory(sandbox: Sandbox) -> Directory | None:
    """Return the directory that the app of the local environment reads; None where no app is deployed."""
    from localcloud.kubernetes.cluster import Cluster

    for cluster in Cluster.all(sandbox):
        for configuration in cluster.list("ConfigMap"):
            text = configuration.get("data", {}).get("directory.json")
            if text:
                return parse_directory(text)
    return None


def _file_of_variable(env: str | None) -> Path | None:
    """Return what FORTRESS_DIRECTORY names, or the file where it is usually installed; raises NoShards.

    None where `--env` names the local environment.
    """
    text = os.environ.get(DIRECTORY_VARIABLE)
    if env == LOCAL:
        return None
    if not text:
        installed: Path = CommonSettings.model_fields["directory"].default
        return installed if env is None and installed.exists() else None
    about = os.environ.get(ENVIRONMENT_VARIABLE)
    if env is not None and about not in (None, env):
        raise NoShards(f"{DIRECTORY_VARIABLE} lists the shards of {about}, not of {env}: name a file with --directory")
    return Path(text)


def _client_variables(sandbox: Sandbox, account: str) -> dict[str, str]:
    from localcloud.identity import Authority

    authority = Authority.of(sandbox)
    pair = authority.client_certificate(account)
    return {
        "PGSSLCERT": str(pair.certificate),
        "PGSSLKEY": str(pair.key),
        "PGSSLROOTCERT": str(authority.ca_certificate),
        "PGPORT": str(sandbox.postgres_port),
    }
