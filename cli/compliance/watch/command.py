"""The work of `fortress compliance watch`: judge a stack again and again, and print what becomes of its findings."""

from __future__ import annotations

import datetime
import os
import re
import signal
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import stamina

from cli.compliance import report as compliance_report
from cli.compliance.rules import RuleFiles, read_rules
from cli.compliance.watch.format import format_record
from cli.compliance.watch.log import BadLog, LogTaken, open_log
from cli.compliance.watch.metrics import LOOPBACK, PortTaken, Watching, serve
from cli.compliance.watch.run import Outcome, Watch
from cli.compliance.watch.stack import WatchedStack
from cli.compliance.watch.webhook import SECRET_VARIABLE, BadWebhook, Webhook
from policies.verdicts import Severity
from policies.watch import Record, Started, render_record
from stacks.environment import PROJECT

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
RETRY_SECONDS = 60.0
"""Longest time until the retry of a failed pass."""
TERMINATED = 128 + signal.SIGTERM
LOOK_SECONDS, LOOK_SECONDS_FAR = 5.0, 30.0
"""Time between looks for a new update: on this machine, and in a real backend."""


class BadOption(Exception):
    """An option of the watch is invalid, or two exclude each other."""


@dataclass(frozen=True)
class Options:
    """The options of the command line, without the rules."""

    env: str
    real: bool = False
    every: str = "5m"
    once: bool = False
    log: Path | None = None
    alert_at: str = Severity.CRITICAL.value
    webhook: str = ""
    metrics_port: int | None = None
    metrics_address: str = LOOPBACK
    timeout: str = "10m"
    as_json: bool = False


def bad_input() -> tuple[type[Exception], ...]:
    """Return the errors that the caller mends by giving something else."""
    return (*compliance_report.bad_input(), BadLog, BadOption, BadWebhook, LogTaken, PortTaken)


def watch(options: Options, files: RuleFiles) -> Outcome:
    """Watch until stopped, or do one pass with `once`; check the options before the first pass."""
    every, patience = parse_seconds(options.every), parse_seconds(options.timeout)
    severity = _parse_severity(options.alert_at)
    webhook = Webhook.of(options.webhook, os.environ.get(SECRET_VARIABLE, "")) if options.webhook else None
    if options.once and options.metrics_port is not None:
        raise BadOption("--metrics-port serves while the watch runs; with --once nobody could scrape it")
    read_rules(files, own=True)
    stack = WatchedStack.of(options.env, real=options.real, patience=patience)
    path = _choose_log(options, stack)
    stamina.instrumentation.set_on_retry_hooks([])  # the watch itself tells of an alert that is not taken
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(TERMINATED if options.once else 0))
    with ExitStack() as held:
        log = held.enter_context(open_log(path, now()))
        log.append([Started(at=now(), project=PROJECT, stack=stack.name)], now())
        watching = Watching(stack.name)
        if options.metrics_port is not None:
            port = serve(watching, options.metrics_port, options.metrics_address)
            print(f"metrics: http://{options.metrics_address}:{port}/metrics", file=sys.stderr, flush=True)
        watched = Watch(stack, files, log, watching, severity, webhook, _make_printer(options.as_json), now)
        if options.once:
            return watched.look(refresh=True)
        print(f"watching {stack.name} every {options.every}; findings go to {path}", file=sys.stderr, flush=True)
        keep_looking(watched, every, LOOK_SECONDS if stack.session.simulated else LOOK_SECONDS_FAR)
    return Outcome()


def keep_looking(
    watched: Watch,
    every: float,
    look_seconds: float,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Do passes with a refresh on schedule, and without one after each update; never return."""
    due, failed = clock(), False
    while True:
        began = clock()
        if began >= due:
            failed = watched.look(refresh=True).failed
            due = began + every
        elif not failed and watched.has_update():
            failed = watched.look(refresh=False).failed
        if failed:
            due = min(due, began + RETRY_SECONDS)
        sleep(max(0.0, min(look_seconds, due - clock())))


def parse_seconds(text: str) -> float:
    """Parse `30s`, `5m`, `1h` or `1d` to seconds; raises BadOption."""
    found = re.fullmatch(r"([1-9][0-9]{0,5})([smhd])", text)
    if not found:
        raise BadOption(f"{text!r} is no time: write 30s, 5m, 1h or 1d")
    return float(found[1]) * UNITS[found[2]]


def now() -> datetime.datetime:
    """Return the time in UTC, to the millisecond."""
    moment = datetime.datetime.now(datetime.UTC)
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def _parse_severity(text: str) -> Severity:
    try:
        return Severity(text)
    except ValueError:
        known = ", ".join(severity.value for severity in Severity)
        raise BadOption(f"--alert-at: {text!r} is no severity: there are {known}") from None


def _choose_log(options: Options, stack: WatchedStack) -> Path:
    """Choose the log: by default in the sandbox; a real stack needs a named file, which outlives the sandbox."""
    if options.log:
        return options.log
    if not stack.session.simulated:
        raise BadOption("name the log of a real stack with --log, where it is kept and backed up")
    return stack.session.sandbox.root / "findings" / f"{stack.name}.jsonl"


def _make_printer(as_json: bool) -> Callable[[Record], None]:
    def tell(record: Record) -> None:
        print(render_record(record).decode().rstrip() if as_json else format_record(record), flush=True)

    return tell
