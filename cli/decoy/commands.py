"""`fortress camouflage`: decoys for intruders, where they are planted, and who has taken one."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from app.scopes import Scope

if TYPE_CHECKING:
    from app.camouflage.behaviour import BehaviourModel
    from app.camouflage.preparation import Prepared
    from app.camouflage.settings import CamouflageSettings
    from app.topology import Directory

SCOPES = (Scope.READ, Scope.SPEND)
METRICS_SECONDS = 10.0
Place = Annotated[int, typer.Option(min=0, max=99, help="A number that stands for where the bundle is planted.")]
Rows = Annotated[str, typer.Option(help="How many decoys; 1e4 is ten thousand.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]


class NoMetrics(Exception):
    """Metrics were asked for where there are none."""

    def __init__(self, where: str, status: int) -> None:
        super().__init__(f"{where} answers with {status} instead of metrics")


app = typer.Typer(no_args_is_help=True, help="Show intruders a ledger of decoys, and notice what they take from it.")


@app.command()
def key(
    file: Annotated[Path, typer.Argument(help="File to make; only its owner will be able to read it.")],
    domain: Annotated[list[str], typer.Option(help="A mail domain of yours, for decoys' addresses; may be repeated.")],
) -> None:
    """Make the operator's key, from which all decoys follow."""
    from app.canaries.key import CamouflageKey

    CamouflageKey.create(file, domain)
    print(f"{file}: whoever has this file tells decoys from what is real; keep it where master keys are kept")


@app.command()
def prepare(
    place: Place = 0,
    rows: Rows = "1000",
    habits: Annotated[
        Path | None, typer.Option(help="How accounts behave, as `habits` measures it; default: what ships.")
    ] = None,
    reasons: Annotated[
        Path | None, typer.Option(help="Lines of an act, a tab and a text; default: what ships.")
    ] = None,
    worlds: Annotated[
        int, typer.Option(min=0, max=1000, help="Callers that get a world made in advance; the first run decides it.")
    ] = 4,
    as_json: AsJson = False,
) -> None:
    """Make the accounts of a bundle in the databases of the decoys. They must be migrated, and hold nothing else."""
    import asyncio

    from app.camouflage.settings import CamouflageSettings
    from app.settings import load
    from cli.data.writing import rows_of

    made = asyncio.run(_prepare(load(CamouflageSettings), place, rows_of(rows), worlds, habits, reasons))
    if as_json:
        print(json.dumps(made._asdict()))
    else:
        print(f"place {place}: {made.accounts:,} accounts with {made.events:,} events, {made.made:,} of them new")


async def _prepare(
    settings: CamouflageSettings, place: int, rows: int, worlds: int, habits: Path | None, reasons: Path | None
) -> Prepared:
    from app.camouflage import behaviour
    from app.camouflage import reasons as known_reasons
    from app.camouflage.preparation import Preparation
    from app.canaries.key import CamouflageKey
    from app.personal_data import open_master_key
    from app.topology import read_directory
    from cli.shared.operators import operator_databases
    from cli.shared.progress import progress

    directory = read_directory(settings.directory)
    chosen = behaviour.default_model() if habits is None else behaviour.read_model(habits)
    texts = known_reasons.default_reasons() if reasons is None else known_reasons.read_reasons(reasons)
    operator = CamouflageKey.read(settings.canary_key)
    async with operator_databases(directory) as databases:
        preparation = Preparation(directory, databases, operator, open_master_key(settings.master_key))
        with progress(f"place {place}: accounts") as report:
            return await preparation.make(
                place,
                rows,
                model=chosen,
                reasons=texts,
                now=datetime.now(UTC),
                views=worlds,
                progress=lambda done: report(done, rows),
            )


@app.command()
def bundle(
    out: Annotated[str, typer.Option(help="A file or a table, as `fortress synth --out` takes it.")],
    place: Place = 0,
    rows: Rows = "1000",
    scope: Annotated[
        list[Scope] | None, typer.Option(help="What the credentials are for; may be repeated; default: read and spend.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Make a table of fake customers to plant: account, address and credential of each betray whoever uses them.

    The settings of the decoys say which issuer and audience the credentials name; no other of them is needed.
    """
    from app.camouflage.bundle import create_bundle
    from app.camouflage.settings import BundleSettings
    from app.canaries.credentials import Bearer
    from app.canaries.key import CamouflageKey
    from app.settings import load
    from cli.data.writing import measured, rows_of

    settings = load(BundleSettings)
    bearer = Bearer(settings.oidc_issuer, settings.oidc_audience, [str(each) for each in scope or SCOPES])
    summary = measured(create_bundle(CamouflageKey.read(settings.canary_key), place, rows_of(rows), bearer), out)
    print(json.dumps(asdict(summary)) if as_json else summary)


@app.command()
def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on; default FORTRESS_CAMOUFLAGE_HOST.")] = None,
    port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="Port; default FORTRESS_CAMOUFLAGE_PORT, else 8441.")
    ] = None,
) -> None:
    """Serve the decoys until SIGTERM. It is set up by variables named FORTRESS_CAMOUFLAGE_…, as `fortress serve` is."""
    from app.camouflage import application
    from app.camouflage.settings import CamouflageSettings
    from app.settings import load

    application.run(load(CamouflageSettings, host=host, port=port))


@app.command()
def habits(
    out: Annotated[Path, typer.Option(help="File to write, for `prepare --habits`.")],
    accounts: Annotated[int, typer.Option(min=20, help="How many accounts to look at, on every shard.")] = 2000,
    directory: Annotated[
        Path | None, typer.Option(help="File that lists the ledger's shards; default FORTRESS_DIRECTORY.")
    ] = None,
) -> None:
    """Measure how the accounts of the ledger behave, so that decoys behave like them.

    Written are distributions over many accounts: no name, no text, and nothing that is one account's own.
    """
    import asyncio

    from app.settings import CommonSettings, load
    from app.topology import read_directory

    settings = load(CommonSettings, directory=directory)
    measured = asyncio.run(_habits(read_directory(settings.directory), accounts))
    out.write_text(measured.model_dump_json() + "\n")
    print(f"{out}: the habits of accounts of {len(measured.segments)} segments")


async def _habits(directory: Directory, accounts: int) -> BehaviourModel:
    from app.camouflage.measuring import measure_behaviour, read_histories
    from cli.shared.operators import operator_databases

    async with operator_databases(directory) as databases:
        found = [each for database in databases.values() for each in await read_histories(database, accounts)]
    return measure_behaviour(found, datetime.now(UTC))


@app.command()
def profile(
    metrics: Annotated[list[str], typer.Argument(help="Where the ledger's processes show their metrics.")],
    out: Annotated[Path, typer.Option(help="File to write, for FORTRESS_CAMOUFLAGE_PROFILE.")],
) -> None:
    """Measure how long the ledger takes and how often it fails, for decoys that stand on other machines."""
    from app.camouflage.profile import measure_profile

    found = measure_profile([_exposition(where) for where in metrics])
    out.write_text(found.model_dump_json(indent=1) + "\n")
    for name, route in found.routes.items():
        print(f"{name}: half within {route.seconds(0.5) * 1000:.1f} ms, {route.failures:.2%} fail")


def _exposition(where: str) -> str:
    if not where.startswith(("http://", "https://")):
        return Path(where).read_text()
    import urllib3

    answer = urllib3.request("GET", where, timeout=METRICS_SECONDS, retries=False)
    if answer.status != HTTPStatus.OK:
        raise NoMetrics(where, answer.status)
    return answer.data.decode()


@app.command()
def sightings(
    days: Annotated[int, typer.Option(min=1, help="How far to look back.")] = 30,
    decoys: Annotated[bool, typer.Option(help="Those at the decoys, instead of those at the ledger.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show who has presented canary tokens, the latest first."""
    import asyncio

    from app.camouflage.settings import CamouflageSettings
    from app.canaries.detections import read_detections
    from app.settings import CommonSettings, load
    from app.topology import read_directory

    settings = load(CamouflageSettings if decoys else CommonSettings)
    for event in asyncio.run(read_detections(read_directory(settings.directory), days)):
        if as_json:
            print(json.dumps(event))
        else:
            which = f"{event['kind']} {event['place']}/{event.get('index', '-')}"
            print(f"{event['at']}  {which}  {event.get('caller', '-')}  {event['line']}")
