"""The input of a compliance report: a stack's state, a preview of it, or an exported file."""

from __future__ import annotations

import datetime
import hashlib
import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cli.shared.progress import progress
from policies.report import Source
from policies.resource import STACK, Resource
from policies.sources import Unreadable, names_of, read_base, read_preview, read_state
from stacks.environment import PROJECT, REHEARSAL_PREFIX

if TYPE_CHECKING:
    from cli.engine.session import Session


class ForeignState(Exception):
    """The file holds the state of another stack than the named one."""


@dataclass(frozen=True)
class Input:
    """Resources and their source."""

    resources: tuple[Resource, ...]
    source: Source
    base: tuple[Resource, ...] = ()
    """The resources that are deployed already, for a preview."""

    @property
    def ours(self) -> bool:
        """Tell whether the resources belong to this project."""
        return self.source.project == PROJECT


def from_file(path: Path, env: str | None) -> Input:
    """Read an exported state; with `env` it must be that environment's, or its rehearsal's.

    Raises Unreadable and ForeignState.
    """
    try:
        text = path.read_text(encoding="utf-8")
        document = json.loads(text)
    except (OSError, ValueError, RecursionError) as error:
        raise Unreadable(f"{path}: cannot be read as a state: {error}") from None
    try:
        found = state_input(document, text, f"the exported state in {path.name}", simulated=False)
    except Unreadable as fault:
        raise Unreadable(f"{path}: {fault}") from None
    project, stack = found.source.project, found.source.stack
    if env and stack and (project != PROJECT or stack.removeprefix(REHEARSAL_PREFIX) != env):
        raise ForeignState(f"{path}: holds the state of {project}/{stack}, not of {env}")
    return found


def from_stack(env: str, *, real: bool, preview: bool) -> Input:
    """Read the state of the environment's stack; if there is none, or with `preview`, a preview.

    Without `real`, read the stack on emulators, as `fortress preview` does.
    """
    from cli.engine.session import name_stack, open_session

    session = open_session(name_stack(env, real=real))
    with session.hold():
        found = None if preview else _read_state(session)
        return found or _read_preview(session)


def preview_input(document: Mapping[str, Any], text: str, *, engine: str, simulated: bool) -> Input:
    """Read the output of `pulumi preview --json --show-sames`; raises Unreadable."""
    resources, base = read_preview(document), read_base(document)
    project, stack = names_of(resources)
    against = "what is deployed" if _is_deployed(base) else "nothing"
    source = Source(
        kind="preview",
        origin=f"a preview of {stack} against {against}",
        project=project,
        stack=stack,
        environment=_name_environment(project, stack),
        digest=_digest(text),
        engine=engine,
        simulated=simulated,
    )
    return Input(resources, source, base if _is_deployed(base) else ())


def state_input(document: Any, text: str, origin: str, *, simulated: bool) -> Input:
    """Read the output of `pulumi stack export`; raises Unreadable."""
    resources = read_state(document)
    project, stack = names_of(resources)
    manifest = document["deployment"].get("manifest") or {}
    if not isinstance(manifest, Mapping):
        raise Unreadable("the deployment's manifest is no object")
    source = Source(
        kind="state",
        origin=origin,
        project=project,
        stack=stack,
        environment=_name_environment(project, stack),
        digest=_digest(text),
        engine=str(manifest.get("version") or "").removeprefix("v"),
        taken=_parse_moment(manifest.get("time")),
        simulated=simulated or stack.startswith(REHEARSAL_PREFIX),
    )
    return Input(resources, source)


def _read_state(session: Session) -> Input | None:
    if not session.exists():
        return None
    with _show_progress(f"reading the state of {session.stack}"):
        text = session.capture("stack", "export")
    found = state_input(json.loads(text), text, f"the state of {session.stack}", simulated=session.simulated)
    return found if _is_deployed(found.resources) else None


def _read_preview(session: Session) -> Input:
    session.prepare()
    with _show_progress(f"previewing {session.stack}"):
        text = session.capture("preview", "--json", "--show-sames")
    return preview_input(json.loads(text), text, engine=session.engine.version, simulated=session.simulated)


def _is_deployed(resources: tuple[Resource, ...]) -> bool:
    return any(resource.type != STACK for resource in resources)


def _name_environment(project: str, stack: str) -> str:
    return stack.removeprefix(REHEARSAL_PREFIX) if project == PROJECT else ""


def _digest(text: str) -> str:
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def _parse_moment(text: object) -> datetime.datetime | None:
    """Parse a moment from the engine to UTC and whole seconds; None if it is missing or malformed."""
    try:
        moment = datetime.datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return moment.astimezone(datetime.UTC).replace(microsecond=0) if moment.tzinfo and moment.year > 1 else None


@contextmanager
def _show_progress(what: str) -> Iterator[None]:
    """Show that a slow step runs: a moving bar in a terminal, a line elsewhere."""
    if not sys.stderr.isatty():
        print(f"{what} ...", file=sys.stderr, flush=True)
    with progress(what):
        yield
