"""`fortress compliance watch` over a fake stack: its log, alerts and metrics, also when a stage fails."""

from __future__ import annotations

import datetime
import errno
import hashlib
import hmac
import json
import os
import signal
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import stamina

from cli.compliance.input import ForeignState, Input, state_input
from cli.compliance.rules import RuleFiles
from cli.compliance.watch import log as log_module
from cli.compliance.watch.command import BadOption, keep_looking, parse_seconds
from cli.compliance.watch.format import format_record
from cli.compliance.watch.log import BadLog, LogLost, LogTaken, WatchLog, open_log
from cli.compliance.watch.metrics import Watching, serve
from cli.compliance.watch.run import Outcome, Watch
from cli.compliance.watch.stack import EngineSilent, WatchedStack, find_last_word, list_drifted
from cli.compliance.watch.webhook import DELIVERY, SIGNATURE, TIMESTAMP, BadWebhook, Webhook
from cli.main import main
from localcloud.sandbox import CHECKOUT
from policies.values import SECRET as HIDDEN
from policies.values import SIGNATURE as SIGNATURE_OF_VALUES
from policies.verdicts import Severity
from policies.watch import (
    AlertDelivered,
    Kind,
    Opened,
    Passed,
    Record,
    Resolved,
    Started,
    Update,
    WatchState,
    parse_records,
    render_record,
)

SERVER = "gcp:sql/databaseInstance:DatabaseInstance"
GOOD = {"settings": {"ipConfiguration": {"sslMode": "ENCRYPTED_ONLY"}}}
BAD = {"settings": {"ipConfiguration": {"sslMode": "ALLOW_UNENCRYPTED_AND_ENCRYPTED"}}}
ONLY = {"all": "disabled", "TLS-004": "mandatory"}
SECRET = "a secret that signs alerts"
START = datetime.datetime(2030, 1, 1, tzinfo=datetime.UTC)


class Clock:
    """A clock that advances by a second at each call."""

    def __init__(self) -> None:
        self._at = START

    def __call__(self) -> datetime.datetime:
        self._at += datetime.timedelta(seconds=1)
        return self._at

    def later(self, minutes: int) -> None:
        self._at += datetime.timedelta(minutes=minutes)


class Unanswered(Exception):
    """The error of a stage that fails."""


@dataclass
class Stack:
    """A fake stack: its state, what is really there, and its history."""

    servers: dict[str, Any] = field(default_factory=dict)
    really: dict[str, Any] = field(default_factory=dict)
    """The servers that a refresh finds."""
    history: list[Update] = field(default_factory=list)
    broken: set[str] = field(default_factory=set)
    name: str = "dev"

    def update(self, author: str, kind: str = "update", **servers: Any) -> None:
        self.servers = self.really = servers
        self._note(kind, author)

    def _note(self, kind: str, author: str) -> None:
        started = START + datetime.timedelta(minutes=len(self.history))
        self.history.insert(0, Update(version=0, kind=kind, started=started, author=author, message=f"{kind} it"))

    @contextmanager
    def hold(self) -> Iterator[None]:
        self._works("lock")
        yield

    def updates(self, most: int | None = None) -> tuple[Update, ...]:
        self._works("history")
        return tuple(self.history[:most])

    def refresh(self) -> tuple[str, ...]:
        self._works("refresh")
        drifted = tuple(name for name in self.servers if self.servers[name] != self.really.get(name))
        if drifted:
            self.servers = self.really
            self._note("refresh", "the watch")
        return drifted

    def state(self) -> Input:
        self._works("state")
        root = {"urn": f"urn:pulumi:{self.name}::shop::pulumi:pulumi:Stack::shop", "type": "pulumi:pulumi:Stack"}
        records = [
            {"urn": f"urn:pulumi:{self.name}::shop::{SERVER}::{name}", "type": SERVER, "custom": True, "inputs": inputs}
            for name, inputs in self.servers.items()
        ]
        document = {"version": 3, "deployment": {"manifest": {}, "resources": [root, *records]}}
        return state_input(document, json.dumps(document), "a test", simulated=True)

    def _works(self, stage: str) -> None:
        if stage in self.broken:
            raise Unanswered(f"no {stage} today")


@dataclass
class Fixture:
    """A watch on a fake stack, and the records that it printed."""

    path: Path
    stack: Stack
    files: RuleFiles
    clock: Clock = field(default_factory=Clock)
    webhook: Webhook | None = None
    printed: list[Record] = field(default_factory=list)
    watching: Watching = field(default_factory=lambda: Watching("dev"))

    @contextmanager
    def running(self) -> Iterator[Watch]:
        with open_log(self.path, self.clock()) as log:
            log.append([Started(at=self.clock(), project="shop", stack=self.stack.name)], self.clock())
            yield self._watch(log)

    def look(self, *, refresh: bool = True) -> Outcome:
        """Start a watch, and run one pass."""
        with self.running() as watch:
            return watch.look(refresh=refresh)

    def _watch(self, log: WatchLog) -> Watch:
        return Watch(
            self.stack, self.files, log, self.watching, Severity.HIGH, self.webhook, self.printed.append, self.clock
        )

    @property
    def state(self) -> WatchState:
        return WatchState.after_all(self.records)

    @property
    def records(self) -> list[Record]:
        return list(parse_records(self.path.read_bytes()))

    def last(self) -> list[tuple[str, str, str]]:
        """Return event, resource and cause of the findings printed since the last call."""
        found = [
            (record.event, record.finding.resource, str(record.by))
            for record in self.printed
            if isinstance(record, Opened | Resolved)
        ]
        self.printed.clear()
        return found


@pytest.fixture
def watch(tmp_path: Path) -> Fixture:
    config = tmp_path / "levels.json"
    config.write_text(json.dumps(ONLY))
    made = Fixture(tmp_path / "log" / "findings.jsonl", Stack(), RuleFiles(configuration=config))
    made.stack.update("ann", db=GOOD)
    return made


def test_what_was_there_before_is_told_as_such(watch: Fixture) -> None:
    watch.stack.update("ann", db=BAD)
    assert watch.look().alerting
    assert watch.last() == [("opened", "db", "before the watch")]
    assert not watch.look().alerting
    assert watch.last() == []


def test_an_update_is_told_with_its_author_and_message(watch: Fixture) -> None:
    watch.look()
    watch.stack.update("ben", db=BAD)
    assert watch.look(refresh=False).alerting
    assert watch.last() == [("opened", "db", "update by ben: update it")]
    watch.stack.update("cleo", db=GOOD)
    assert not watch.look(refresh=False).alerting
    assert watch.last() == [("resolved", "db", "update by cleo: update it")]


def test_what_a_refresh_finds_is_drift(watch: Fixture) -> None:
    watch.look()
    watch.stack.really = {"db": BAD}
    assert watch.look().alerting
    assert watch.last() == [("opened", "db", "drift")]
    [passed] = [record for record in watch.records[-1:] if isinstance(record, Passed)]
    assert passed.drifted == ("db",)


def test_an_update_and_drift_between_two_passes_are_told_apart(watch: Fixture) -> None:
    watch.stack.update("ann", db=GOOD, other=GOOD)
    watch.look()
    watch.stack.update("ben", db=BAD, other=GOOD)
    watch.stack.really = {"db": BAD, "other": BAD}
    watch.look()
    assert watch.last() == [("opened", "db", "update by ben: update it"), ("opened", "other", "drift")]


def test_somebody_elses_refresh_is_drift_too(watch: Fixture) -> None:
    watch.look()
    watch.stack.update("ben", kind="refresh", db=BAD)
    watch.look(refresh=False)
    assert watch.last() == [("opened", "db", "drift")]


def test_a_state_that_changed_without_an_update_is_told_as_an_edit(watch: Fixture) -> None:
    watch.look()
    watch.stack.servers = watch.stack.really = {"db": BAD}
    watch.look()
    assert watch.last() == [("opened", "db", "edit of the state")]


def test_the_update_is_remembered_by_a_watch_that_was_started_anew(watch: Fixture) -> None:
    watch.look()
    with watch.running() as running:
        assert not running.has_update()
    watch.stack.update("ben", db=BAD)
    with watch.running() as running:
        assert running.has_update()
        running.look(refresh=False)
        assert not running.has_update()


@pytest.mark.parametrize("stage", ["lock", "history", "refresh", "state"])
def test_a_stage_that_fails_is_a_finding_takes_nothing_away_and_is_tried_again(watch: Fixture, stage: str) -> None:
    watch.stack.update("ann", db=BAD)
    watch.look()
    watch.last()
    watch.stack.broken = {stage}
    outcome = watch.look()
    assert outcome.failed
    assert watch.last() == [("opened", "living-fortress-dev", "watch")]
    assert watch.watching.failed[stage] == 1
    assert {opened.finding.control for opened in watch.state.open.values()} == {"TLS-004", "WATCH"}
    assert f"no {stage} today" in [finding.reason for finding in watch.state.findings.values()]
    watch.look()
    assert watch.last() == []
    watch.stack.broken = set()
    assert not watch.look().failed
    assert watch.last() == [("resolved", "living-fortress-dev", "watch")]


def test_a_pass_without_a_refresh_does_not_say_that_refreshing_works_again(watch: Fixture) -> None:
    watch.stack.broken = {"refresh"}
    watch.look()
    watch.stack.update("ben", db=GOOD)
    watch.look(refresh=False)
    assert [finding.check for finding in watch.state.findings.values()] == ["WATCH/refresh"]


def test_an_update_is_seen_although_refreshing_fails(watch: Fixture) -> None:
    watch.look()
    watch.stack.update("ben", db=BAD)
    watch.stack.broken = {"refresh"}
    watch.look()
    assert ("opened", "db", "update by ben: update it") in watch.last()


def test_an_update_that_could_not_be_read_is_the_cause_once_it_can(watch: Fixture) -> None:
    watch.look()
    watch.stack.update("ben", db=BAD)
    watch.stack.broken = {"state"}
    watch.look()
    watch.last()
    watch.stack.broken = set()
    watch.look()
    assert ("opened", "db", "update by ben: update it") in watch.last()


def test_an_empty_state_is_believed_only_after_a_destroy(watch: Fixture) -> None:
    watch.stack.update("ann", db=BAD)
    watch.look()
    watch.last()
    watch.stack.servers = watch.stack.really = {}
    assert watch.look().failed
    assert watch.last() == [("opened", "living-fortress-dev", "watch")]
    watch.stack.update("ben", kind="destroy")
    assert not watch.look().failed
    assert ("resolved", "db", "destroy by ben: destroy it") in watch.last()


def test_rules_that_cannot_be_read_any_more_are_a_finding(watch: Fixture) -> None:
    watch.look()
    assert watch.files.configuration is not None
    watch.files.configuration.write_text("{")
    assert watch.look().failed
    assert [finding.check for finding in watch.state.findings.values()] == ["WATCH/rules"]


def test_a_person_reads_resource_controls_and_remedy_in_one_line(watch: Fixture) -> None:
    watch.stack.update("ann", db=BAD)
    watch.look()
    [line] = [format_record(record) for record in watch.printed if isinstance(record, Opened)]
    for part in ("TLS-004", "db", "sslMode is ALLOW", "pci_dss 4.2.1", "remedy: Make the server refuse"):
        assert part in line
    assert "\n" not in line


# The log


def test_two_watches_never_write_to_one_log(watch: Fixture) -> None:
    with watch.running(), pytest.raises(LogTaken, match="another watch"):
        watch.look()
    watch.look()


def test_the_log_is_for_its_owner_only_and_only_grows(watch: Fixture) -> None:
    watch.look()
    before = watch.path.read_bytes()
    assert watch.path.stat().st_mode & 0o777 == 0o600
    watch.stack.really = {"db": BAD}
    watch.look()
    assert watch.path.read_bytes().startswith(before)


def test_a_file_that_is_no_log_is_refused_and_left_as_it_is(watch: Fixture) -> None:
    watch.path.parent.mkdir()
    watch.path.write_text("not a log\n" + '{"event": "pass"}\n')
    text = watch.path.read_text()
    watch.path.write_text(text + render_record(Started(at=START, project="shop", stack="dev")).decode())
    with pytest.raises(BadLog, match="line 1 is no record"):
        watch.look()
    assert watch.path.read_text().startswith(text)


def test_a_log_of_another_stack_is_refused(watch: Fixture) -> None:
    watch.look()
    watch.stack.name = "prod"
    with pytest.raises(Exception, match="of shop/dev, not of shop/prod"):
        watch.look()


def test_a_log_that_is_taken_away_stops_the_watch(watch: Fixture) -> None:
    with watch.running() as running:
        watch.path.unlink()
        with pytest.raises(LogLost):
            running.look(refresh=True)


def predict_records(watch: Fixture, tmp_path: Path) -> list[Record]:
    """Return the records that the next pass would write."""
    twin = Fixture(tmp_path / "twin.jsonl", watch.stack, watch.files)
    twin.path.write_bytes(watch.path.read_bytes())
    before = len(twin.records)
    twin.look()
    return twin.records[before + 1 :]


CUTS = [(0, 0), (0, 1), (0, 200), (1, -1), (1, 0), (1, 9), (2, -1), (2, 9)]
"""How many lines are written whole, and how many bytes of the next."""


def count_bytes(records: list[Record], lines: int, more: int) -> int:
    return sum(len(render_record(record)) for record in records[:lines]) + more


@pytest.mark.parametrize(("lines", "more"), CUTS)
def test_a_full_disk_loses_nothing(
    watch: Fixture,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    lines: int,
    more: int,
) -> None:
    """The next pass continues after whatever part of the lines the disk took."""
    watch.look()
    watch.stack.update("ben", db=BAD, other=BAD)
    taken = count_bytes(predict_records(watch, tmp_path), lines, more)
    with watch.running() as running, monkeypatch.context() as patch:
        left = [taken]

        def write(descriptor: int, content: bytes) -> int:
            if not left[0]:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            count = real(descriptor, content[: left[0]])
            left[0] -= count
            return count

        real = os.write
        patch.setattr(log_module.os, "write", write)
        assert running.look(refresh=True).failed
        assert "No space left" in capsys.readouterr().err
        patch.undo()
        assert not running.look(refresh=True).failed
    assert {finding.resource for finding in watch.state.findings.values()} == {"db", "other"}
    assert watch.look().alerting is False


KILLED = """
import os, signal, sys
from pathlib import Path
from cli.compliance.watch import log
from policies.watch import parse_records
path, extra, most = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
real = os.write
def write(descriptor, content):
    real(descriptor, content[:most])
    real(1, b"partial\\n")
    signal.pause()
records = list(parse_records(extra.read_bytes()))
with log.open_log(path, records[0].at) as opened:
    log.os.write = write
    opened.append(records, records[0].at)
"""


@pytest.mark.parametrize(("lines", "more"), CUTS[2:6])
def test_the_next_watch_completes_the_log_of_one_killed_within_a_line(
    watch: Fixture, tmp_path: Path, lines: int, more: int
) -> None:
    watch.look()
    watch.stack.update("ben", db=BAD, other=BAD)
    records = predict_records(watch, tmp_path)
    lost, most = tmp_path / "lost.jsonl", count_bytes(records, lines, more)
    lost.write_bytes(b"".join(map(render_record, records)))
    expected = WatchState.after_all([*watch.records, *records])

    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, watch.path, lost, str(most)], cwd=CHECKOUT, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout
    assert process.stdout.readline() == "partial\n"
    process.send_signal(signal.SIGKILL)
    process.communicate()

    watch.look()
    assert watch.state.findings == expected.findings
    assert watch.state.seen == expected.seen
    causes = {str(record.by) for record in watch.records if isinstance(record, Opened)}
    assert causes == {"update by ben: update it"}


# Alerts


@dataclass
class Receiver:
    """A server that receives alerts."""

    url: str = ""
    answers: list[int] = field(default_factory=list)
    """Statuses of its answers; it repeats the last."""
    taken: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    @property
    def findings(self) -> list[list[str]]:
        return [[load["finding"]["resource"] for load in json.loads(body)["findings"]] for _, body in self.taken]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    receiver = Receiver(answers=[200])

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            receiver.taken.append((dict(self.headers), body))
            self.send_response(receiver.answers.pop(0) if len(receiver.answers) > 1 else receiver.answers[0])
            self.send_header("Location", receiver.url)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        receiver.url = f"http://127.0.0.1:{server.server_port}/hook/of-secret-path"
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield receiver
        server.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def no_retry_delay() -> Iterator[None]:
    """Retry without delay."""
    with stamina.set_testing(True, attempts=3):
        stamina.instrumentation.set_on_retry_hooks([])
        yield
    stamina.instrumentation.set_on_retry_hooks(None)


@pytest.fixture
def alerting(watch: Fixture, receiver: Receiver) -> Fixture:
    watch.webhook = Webhook.of(receiver.url, SECRET)
    return watch


def test_a_new_violation_is_posted_once_and_signed(alerting: Fixture, receiver: Receiver) -> None:
    alerting.look()
    assert receiver.taken == []
    alerting.stack.update("ben", db=BAD)
    alerting.look()
    alerting.look()
    [(headers, body)] = receiver.taken
    signed = f"{headers[TIMESTAMP]}.".encode() + body
    assert headers[SIGNATURE] == "sha256=" + hmac.new(SECRET.encode(), signed, hashlib.sha256).hexdigest()
    alert = json.loads(body)
    assert (alert["stack"], alert["findings"][0]["by"]["updates"][0]["author"]) == ("dev", "ben")
    assert [record.keys for record in alerting.printed if isinstance(record, AlertDelivered)] == [
        tuple(alerting.state.open)
    ]


def test_what_cannot_be_determined_is_posted_under_strict(alerting: Fixture, receiver: Receiver) -> None:
    hidden = {"settings": {"ipConfiguration": {"sslMode": {SIGNATURE_OF_VALUES: HIDDEN, "ciphertext": "v1:x"}}}}
    alerting.stack.update("ben", db=hidden)
    assert not alerting.look().alerting
    assert [finding.kind for finding in alerting.state.findings.values()] == [Kind.NOT_DETERMINABLE]
    alerting.files = replace(alerting.files, strict=True)
    alerting.look()
    assert receiver.findings == [["db"]]


def test_what_is_not_bad_enough_is_not_posted(alerting: Fixture, receiver: Receiver) -> None:
    alerting.stack.update("ben", db=BAD)
    with alerting.running() as running:
        running.alert_at = Severity.CRITICAL
        assert not running.look(refresh=True).alerting
    assert receiver.taken == []


@pytest.mark.parametrize(("answers", "posts"), [([503, 200], 2), ([429, 500, 200], 3)])
def test_a_webhook_that_stumbles_is_asked_again(
    alerting: Fixture, receiver: Receiver, answers: list[int], posts: int
) -> None:
    receiver.answers = answers
    alerting.stack.update("ben", db=BAD)
    alerting.look()
    assert len({headers[DELIVERY] for headers, _ in receiver.taken}) == 1
    assert (len(receiver.taken), alerting.watching.alerts, alerting.watching.alerts_failed) == (posts, 1, 0)


@pytest.mark.parametrize(("answer", "posts"), [(500, 3), (404, 1), (302, 1)])
def test_a_dead_webhook_is_counted_stops_nothing_and_hears_of_it_later(
    alerting: Fixture, receiver: Receiver, capsys: pytest.CaptureFixture[str], answer: int, posts: int
) -> None:
    receiver.answers = [answer]
    alerting.stack.update("ben", db=BAD)
    assert not alerting.look().failed
    assert (len(receiver.taken), alerting.watching.alerts_failed) == (posts, 1)
    error = capsys.readouterr().err
    assert f"status {answer}" in error
    assert "secret-path" not in error
    assert alerting.state.untold
    receiver.answers, receiver.taken = [200], []
    alerting.look()
    assert receiver.findings == [["db"]]
    assert not alerting.state.untold


def test_an_alert_survives_the_watch_that_could_not_deliver_it(alerting: Fixture, receiver: Receiver) -> None:
    webhook, alerting.webhook = alerting.webhook, None
    alerting.stack.update("ben", db=BAD)
    alerting.look()
    alerting.webhook = webhook
    alerting.look()
    assert receiver.findings == [["db"]]


def test_nobody_listening_is_no_end_either(watch: Fixture, capsys: pytest.CaptureFixture[str]) -> None:
    watch.webhook = Webhook.of("http://127.0.0.1:9/x", SECRET)
    watch.stack.update("ben", db=BAD)
    assert not watch.look().failed
    assert watch.watching.alerts_failed == 1
    assert "webhook at 127.0.0.1: NewConnectionError" in capsys.readouterr().err


def test_a_watch_that_stays_blind_is_worth_one_alert(alerting: Fixture, receiver: Receiver) -> None:
    alerting.stack.broken = {"state"}
    alerting.look()
    assert receiver.taken == [], "it may be an update that holds the stack"
    alerting.clock.later(minutes=5)
    alerting.look()
    alerting.look()
    assert receiver.findings == [["living-fortress-dev"]]


@pytest.mark.parametrize(
    ("url", "secret", "fault"),
    [
        ("ftp://example.org", SECRET, "begins with https"),
        ("nonsense", SECRET, "begins with https"),
        ("http://example.org/token", SECRET, "must be reached by https"),
        ("https://example.org/token", "short", "FORTRESS_WEBHOOK_SECRET"),
    ],
)
def test_a_webhook_that_cannot_be_trusted_is_refused(url: str, secret: str, fault: str) -> None:
    with pytest.raises(BadWebhook, match=fault) as refused:
        Webhook.of(url, secret)
    assert "token" not in str(refused.value)
    assert "short" not in str(refused.value)


# Metrics


def scraped(watch: Fixture) -> dict[str, float]:
    port = serve(watch.watching, 0)
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
        lines = answer.read().decode().splitlines()
    return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in lines if not line.startswith("#")}


def test_prometheus_is_told_of_findings_passes_and_three_figures(watch: Fixture) -> None:
    watch.stack.update("ann", db=BAD, other=GOOD)
    watch.look()
    watch.stack.broken = {"refresh"}
    watch.look()
    found = scraped(watch)
    prefix = "fortress_compliance_"
    assert found[prefix + 'open_findings{control="TLS-004",kind="violation",severity="high"}'] == 1
    assert found[prefix + 'open_findings{control="TLS-001",kind="violation",severity="high"}'] == 0
    assert found[prefix + 'open_findings_by_framework{framework="pci_dss",severity="high"}'] == 1
    assert found[prefix + "passes_total"] == 2
    assert found[prefix + 'passes_failed_total{stage="refresh"}'] == 1
    assert found[prefix + "blind"] == 1
    assert found[prefix + "last_pass_timestamp_seconds"] == watch.state.last_pass.timestamp()
    for figure, part, whole in (("pass_rate", 1, 2), ("determinacy", 2, 2)):
        labels = f'{{exemptions="left out",figure="{figure}",framework="soc2"}}'
        assert (found[f"{prefix}figure_part{labels}"], found[f"{prefix}figure_whole{labels}"]) == (part, whole)
    assert found[prefix + 'figure_whole{exemptions="left out",figure="coverage",framework="soc2"}'] > 10


def test_prometheus_is_told_how_long_exemptions_last(watch: Fixture, tmp_path: Path) -> None:
    path = tmp_path / "exemptions.yaml"
    entry = {"check": "TLS-004", "urn": "*::db", "owner": "ops", "ticket": "LF-1", "reason": "old clients there"}
    path.write_text(json.dumps([entry | {"expires": f"2030-01-{day}"} for day in (31, 11, 21)]))
    watch.files = RuleFiles(configuration=watch.files.configuration, exemptions=path)
    watch.stack.update("ann", db=BAD)
    watch.look()
    assert scraped(watch)['fortress_compliance_exemption_days_left{control="TLS-004",owner="ops",ticket="LF-1"}'] == 10
    assert watch.last() == []


def test_a_blind_pass_leaves_the_figures_of_the_last_that_saw(watch: Fixture) -> None:
    watch.stack.update("ann", db=BAD)
    watch.look()
    watch.stack.broken = {"state"}
    watch.look()
    found = scraped(watch)
    assert found['fortress_compliance_open_findings{control="TLS-004",kind="violation",severity="high"}'] == 1
    assert found["fortress_compliance_blind"] == 1


def test_before_anything_was_judged_no_figure_is_told(watch: Fixture) -> None:
    watch.stack.broken = {"state"}
    watch.look()
    assert not [name for name in scraped(watch) if "figure" in name or "open_findings" in name]


# The loop


class SeenEnough(Exception):
    """Raised by a test to end the endless loop."""


@dataclass
class Script:
    """A fake watch that records the moments of its passes."""

    clock: list[float] = field(default_factory=lambda: [0.0])
    looks: list[tuple[float, bool]] = field(default_factory=list)
    fails: Callable[[float], bool] = lambda _: False
    changes: set[float] = field(default_factory=set)

    def look(self, *, refresh: bool) -> Outcome:
        self.looks.append((self.clock[0], refresh))
        return Outcome(failed=self.fails(self.clock[0]))

    def has_update(self) -> bool:
        return self.clock[0] in self.changes

    def sleep(self, seconds: float) -> None:
        self.clock[0] += seconds
        if self.clock[0] > 700:
            raise SeenEnough


def run_loop(script: Script, every: float = 300) -> list[tuple[float, bool]]:
    with pytest.raises(SeenEnough):
        keep_looking(script, every, 5, clock=lambda: script.clock[0], sleep=script.sleep)  # type: ignore[arg-type]
    return script.looks


def test_a_watch_looks_at_once_on_its_schedule_and_after_each_update() -> None:
    assert run_loop(Script(changes={15.0, 310.0})) == [(0, True), (15, False), (300, True), (310, False), (600, True)]


def test_a_pass_that_failed_is_tried_again_within_a_minute_and_not_sooner() -> None:
    looks = run_loop(Script(fails=lambda at: at < 100, changes={5.0, 65.0}))
    assert looks == [(0, True), (60, True), (120, True), (420, True)]


@pytest.mark.parametrize(("text", "expected"), [("30s", 30), ("5m", 300), ("1h", 3600), ("1d", 86400)])
def test_times_are_written_short(text: str, expected: float) -> None:
    assert parse_seconds(text) == expected


@pytest.mark.parametrize("text", ["", "5", "0m", "-5m", "5 m", "1.5h", "5w"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(BadOption, match="is no time"):
        parse_seconds(text)


# The engine's words


@pytest.fixture
def engine(tmp_path: Path) -> Callable[[str], WatchedStack]:
    """Return a function that makes a stack whose engine is a shell script."""

    def scripted(script: str, patience: float = 60.0) -> WatchedStack:
        program = tmp_path / "pulumi"
        program.write_text(f"#!/bin/bash\n{script}\n")
        program.chmod(0o755)
        session = SimpleNamespace(
            stack="dev", engine=SimpleNamespace(pulumi=program), variables=dict, simulated=False, exists=lambda: True
        )
        return WatchedStack(session, patience)  # type: ignore[arg-type]

    return scripted


def test_an_engine_that_fails_is_quoted(engine: Any) -> None:
    stack = engine("echo 'error: the stack is locked' >&2; exit 255")
    with pytest.raises(EngineSilent, match="pulumi stack history ended with status 255: error: the stack is locked"):
        stack.updates()


def test_an_engine_that_never_ends_is_stopped_with_all_that_it_started(engine: Any, tmp_path: Path) -> None:
    stack = engine(f"trap '' INT\nsleep 1000 & echo $! > {tmp_path}/child\nwait; sleep 1000", patience=1.0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("cli.compliance.watch.stack.STOPPING_SECONDS", 0.2)
        with pytest.raises(EngineSilent, match="pulumi stack export did not end within 1 s"):
            stack.state()
    child = Path(f"/proc/{(tmp_path / 'child').read_text().strip()}/stat")
    assert not child.exists() or child.read_text().rsplit(")", 1)[1].split()[0] == "Z"


def test_a_refresh_is_kept_only_where_something_drifted(engine: Any, tmp_path: Path) -> None:
    script = f"echo $* >> {tmp_path}/asked\necho '%s'"
    quiet = {"steps": [{"op": "refresh", "urn": "a"}], "changeSummary": {"same": 1}}
    assert engine(script % json.dumps(quiet)).refresh() == ()
    drifted = {"steps": [{"op": "update", "urn": "a"}], "changeSummary": {"update": 1}}
    assert engine(script % json.dumps(drifted)).refresh() == ("a",)
    asked = (tmp_path / "asked").read_text().splitlines()
    assert ["--preview-only" in command for command in asked] == [True, True, False]
    assert "--skip-preview" in asked[2]


def test_the_history_has_authors_and_first_lines_of_messages_but_no_previews(engine: Any) -> None:
    entry = {"version": 7, "kind": "update", "startTime": "2030-01-01T10:00:00.000Z", "message": "why\n\nlong"}
    entries = [
        {**entry, "kind": "preview"},
        {**entry, "environment": {"git.author": "ann", "git.head": "c0ffee"}},
        entry,
    ]
    found = engine(f"cat <<'EOF'\n{json.dumps(entries)}\nEOF").updates()
    assert [(update.version, update.author, update.message, update.commit) for update in found] == [
        (7, "ann", "why", "c0ffee"),
        (7, "unknown", "why", ""),
    ]


def test_a_stack_without_any_update_has_an_empty_history(engine: Any) -> None:
    assert engine("echo null").updates() == ()
    assert engine("true").updates() == ()


def test_the_state_of_another_stack_is_not_taken(engine: Any) -> None:
    urn = "urn:pulumi:old::shop::pulumi:pulumi:Stack::shop-old"
    state = {"version": 3, "deployment": {"resources": [{"urn": urn, "type": "pulumi:pulumi:Stack"}]}}
    with pytest.raises(ForeignState, match="holds shop/old"):
        engine(f"echo '{json.dumps(state)}'").state()


def test_drift_is_what_a_refresh_would_change_or_drop() -> None:
    steps = [{"op": "refresh", "urn": "a"}, {"op": "update", "urn": "c"}, {"op": "delete", "urn": "b"}]
    assert list_drifted({"steps": steps}) == ("b", "c")
    assert list_drifted({"changeSummary": {"same": 1}}) == ()


def test_the_engines_last_word_is_its_error() -> None:
    assert find_last_word("Refreshing\nerror: the stack is locked\n  by somebody\n") == "error: the stack is locked"
    assert find_last_word("something\n\n") == "something"
    assert find_last_word("") == ""


# The command


@pytest.mark.parametrize(
    ("arguments", "fault"),
    [
        (("-s", "nowhere"), "Pulumi.nowhere.yaml does not exist"),
        (("-s", "local", "--every", "5"), "is no time"),
        (("-s", "local", "--alert-at", "dire"), "is no severity"),
        (("-s", "local", "--once", "--metrics-port", "0"), "with --once nobody could scrape it"),
        (("-s", "local", "--webhook", "http://example.org"), "must be reached by https"),
        (("-s", "dev", "--real"), "--log"),
    ],
)
def test_bad_options_end_with_2_and_one_line(
    arguments: tuple[str, ...],
    fault: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("LOCALCLOUD_HOME", str(tmp_path))
    monkeypatch.setattr(sys, "argv", ["fortress", "compliance", "watch", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    printed = capsys.readouterr()
    errors = [line for line in printed.err.splitlines() if line.startswith("error: ")]
    assert (ended.value.code, printed.out) == (2, ""), printed.err
    assert len(errors) == 1
    assert fault in errors[0]
