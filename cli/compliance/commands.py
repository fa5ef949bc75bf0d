"""`fortress compliance`: reports on the controls, exemptions, and a watch."""

from __future__ import annotations

import datetime
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Annotated

import typer

from cli.shared.options import LOCAL, AsJson, environment_option

app = typer.Typer(
    no_args_is_help=True,
    help="Report on the controls. Exit status: 0 clean, 1 blocking violations, 2 bad input, 3 nothing could be judged.",
)

VIOLATION, BAD_INPUT, NOT_JUDGED = 1, 2, 3

Environment = Annotated[str | None, environment_option("--stack", "-s")]
StateFile = Annotated[
    Path | None,
    typer.Option(
        "--state",
        metavar="FILE",
        help="A file from `pulumi stack export`: of any project, or of --env if given.",
    ),
]
Frameworks = Annotated[
    list[str] | None, typer.Option("--framework", help="soc2, iso27001, gdpr or pci_dss; may be given several times.")
]
ConfigurationFile = Annotated[
    Path | None, typer.Option("--config", metavar="FILE", help="Levels and options, as for `--policy-pack-config`.")
]
ExemptionsFile = Annotated[
    Path | None, typer.Option("--exemptions", metavar="FILE", help="Instead of policies/exemptions.yaml.")
]
BaselineFile = Annotated[
    Path | None, typer.Option("--baseline", metavar="FILE", help="Earlier findings, exempt as a whole.")
]
Moment = Annotated[
    datetime.datetime | None,
    typer.Option("--at", formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%SZ"], help="Judge as of this moment (UTC), not of now."),
]
Preview = Annotated[bool, typer.Option("--preview", help="Look at a preview also where there is a state.")]
Real = Annotated[bool, typer.Option("--real", help="Ask the real stack, with your own credentials and backend.")]


@app.command()
def report(
    env: Environment = None,
    state: StateFile = None,
    preview: Preview = False,
    real: Real = False,
    framework: Frameworks = None,
    format_: Annotated[
        list[str] | None,
        typer.Option("--format", help="json, html, sarif, markdown, csv, junit, oscal; several may be given; all."),
    ] = None,
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="Default build/compliance/ENV.")] = None,
    config: ConfigurationFile = None,
    exemptions: ExemptionsFile = None,
    baseline: BaselineFile = None,
    strict: Annotated[bool, typer.Option(help="What cannot be determined is a violation.")] = False,
    at: Moment = None,
    as_json: AsJson = False,
) -> None:
    """Judge the state of an environment, or a preview where there is none, and write the reports."""
    with _exit_statuses():
        from cli.compliance import report as work
        from cli.compliance.rules import RuleFiles

        rules = RuleFiles(framework or (), config, exemptions, baseline, strict)
        formats = work.formats(format_ or ())
        made = work.report(work.Wanted(env, state, preview, real), rules, at=_parse_moment(at))
        folder = work.write(made, formats, out, only_named=as_json)
        print(work.as_json(made) if as_json else work.summary(made, folder), end="")
    status = work.status(made)
    if status == NOT_JUDGED:
        print(f"error: {work.NOTHING}", file=sys.stderr)
    if status:
        raise typer.Exit(status)


@app.command("exemptions")
def list_exemptions(
    exemptions: ExemptionsFile = None, baseline: BaselineFile = None, at: Moment = None, as_json: AsJson = False
) -> None:
    """List the exemptions with the days that they have left."""
    with _exit_statuses():
        from cli.compliance import exemptions as work
        from cli.compliance.rules import RuleFiles

        work.show(RuleFiles(exemptions=exemptions, baseline=baseline), today=_parse_moment(at).date(), as_json=as_json)


@app.command("baseline")
def record_baseline(
    out: Annotated[Path, typer.Option(metavar="FILE", help="The file to write; an existing one is not overwritten.")],
    expires: Annotated[datetime.datetime, typer.Option(formats=["%Y-%m-%d"], help="Its last day.")],
    owner: Annotated[str, typer.Option(help="Person or team that is responsible.")],
    ticket: Annotated[str, typer.Option(help="Ticket with the decision.")],
    reason: Annotated[str, typer.Option(help="Why, in a sentence.")] = "taken over with the old estate",
    env: Environment = None,
    state: StateFile = None,
    preview: Preview = False,
    real: Real = False,
    config: ConfigurationFile = None,
    exemptions: ExemptionsFile = None,
    at: Moment = None,
) -> None:
    """Record what fails today as a baseline: exempt until a day, to adopt the controls on an old estate."""
    with _exit_statuses():
        from cli.compliance import exemptions as work
        from cli.compliance.report import Wanted
        from cli.compliance.report import report as judged
        from cli.compliance.rules import RuleFiles

        moment = _parse_moment(at)
        found = judged(
            Wanted(env, state, preview, real), RuleFiles(configuration=config, exemptions=exemptions), at=moment
        )
        terms = work.Terms(expires=expires.date(), owner=owner, ticket=ticket, reason=reason)
        print(work.record(found, out, terms, today=moment.date()))


@app.command()
def watch(
    env: Environment = None,
    real: Real = False,
    every: Annotated[str, typer.Option(metavar="TIME", help="Time between refreshes: 30s, 5m, 1h, 1d.")] = "5m",
    once: Annotated[
        bool, typer.Option("--once", help="One pass, for cron: status 1 on new findings to alert on.")
    ] = False,
    log: Annotated[
        Path | None, typer.Option(metavar="FILE", help="JSON Lines; for a real stack it must be named.")
    ] = None,
    alert_at: Annotated[str, typer.Option(metavar="SEVERITY", help="low, medium, high, critical.")] = "critical",
    webhook: Annotated[
        str,
        typer.Option(
            metavar="URL",
            envvar="FORTRESS_WEBHOOK_URL",
            help="Receiver of alerts, signed with FORTRESS_WEBHOOK_SECRET.",
        ),
    ] = "",
    metrics_port: Annotated[int | None, typer.Option(help="Port for Prometheus; 0 takes any free one.")] = None,
    metrics_address: Annotated[str, typer.Option(help="The address to serve them on.")] = "127.0.0.1",
    timeout: Annotated[str, typer.Option(metavar="TIME", help="Longest time for one command of the engine.")] = "10m",
    config: ConfigurationFile = None,
    exemptions: ExemptionsFile = None,
    baseline: BaselineFile = None,
    strict: Annotated[bool, typer.Option(help="What cannot be determined is a violation.")] = False,
    as_json: AsJson = False,
) -> None:
    """Judge a stack after each update and on a schedule; log findings that open or are resolved, and by whom."""
    with _exit_statuses("cli.compliance.watch.command"):
        from cli.compliance.rules import RuleFiles
        from cli.compliance.watch import command as work

        options = work.Options(
            env or LOCAL, real, every, once, log, alert_at, webhook, metrics_port, metrics_address, timeout, as_json
        )
        rules = RuleFiles(configuration=config, exemptions=exemptions, baseline=baseline, strict=strict)
        outcome = work.watch(options, rules)
    if outcome.alerting or outcome.failed:
        raise typer.Exit(VIOLATION if outcome.alerting else NOT_JUDGED)


def _parse_moment(given: datetime.datetime | None) -> datetime.datetime:
    if given is None:
        return datetime.datetime.now(datetime.UTC).replace(microsecond=0)
    return given.replace(tzinfo=datetime.UTC)


@contextmanager
def _exit_statuses(module: str = "cli.compliance.report") -> Iterator[None]:
    """Give each error its exit status: 1 is kept for violations. The module lists the errors of bad input."""
    try:
        yield
    except Exception as error:
        bad_input = import_module(module).bad_input
        error.status = BAD_INPUT if isinstance(error, bad_input()) else NOT_JUDGED  # type: ignore[attr-defined]
        raise
