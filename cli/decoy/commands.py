"""`fortress decoy`: decoys for intruders, where they are planted, and sightings of those used."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from app.scopes import Scope
from cli.shared.commands import shards_command
from cli.shared.options import AsJson, DirectoryFile, Environment
from cli.shared.output import show

if TYPE_CHECKING:
    from app.camouflage.preparation import Prepared
    from app.camouflage.settings import CamouflageSettings
    from cli.shared.operator_context import OperatorContext

SCOPES = (Scope.READ, Scope.SPEND)
METRICS_SECONDS = 10.0
Place = Annotated[
    int, typer.Option(min=0, max=99, help="Number that stands for the place where the bundle is planted.")
]
Rows = Annotated[str, typer.Option(help="How many decoys; 1e4 is ten thousand.")]


class NoMetrics(Exception):
    """An address that should show metrics does not."""

    def __init__(self, where: str, status: int) -> None:
        super().__init__(f"{where} answers with {status} instead of metrics")


app = typer.Typer(no_args_is_help=True, help="Show intruders a ledger of decoys, and notice who uses what they took.")


@app.command()
def key(
    file: Annotated[Path, typer.Argument(help="File to create, readable by its owner only.")],
    domain: Annotated[list[str], typer.Option(help="Mail domain of yours for the decoys' addresses; may be repeated.")],
) -> None:
    """Create the operator's key, from which all decoys are derived."""
    from app.canaries.key import CamouflageKey

    CamouflageKey.create(file, domain)
    print(f"{file}: this file tells decoys from real data; keep it where master keys are kept")


@app.command()
def prepare(
    place: Place = 0,
    rows: Rows = "1000",
    habits: Annotated[
        Path | None, typer.Option(help="How accounts behave, as `habits` measures it; default: the shipped file.")
    ] = None,
    reasons: Annotated[
        Path | None, typer.Option(help="Lines of an act, a tab and a text; default: the shipped file.")
    ] = None,
    worlds: Annotated[
        int,
        typer.Option(min=0, max=1000, help="Callers whose view is made in advance; the first run decides how many."),
    ] = 4,
    as_json: AsJson = False,
) -> None:
    """Make the accounts of a bundle in the decoys' databases, which must be migrated and hold nothing else."""
    import asyncio

    from app.camouflage.settings import CamouflageSettings
    from app.settings import load
    from cli.data.writing import parse_rows

    made = asyncio.run(_prepare(load(CamouflageSettings), place, parse_rows(rows), worlds, habits, reasons))
    line = f"place {place}: {made.accounts:,} accounts with {made.events:,} events, {made.made:,} of them new"
    show(made._asdict(), line, as_json=as_json)


async def _prepare(
    settings: CamouflageSettings, place: int, rows: int, worlds: int, habits: Path | None, reasons: Path | None
) -> Prepared:
    from app.camouflage import behaviour
    from app.camouflage import reasons as known_reasons
    from app.camouflage.preparation import Preparation
    from app.canaries.key import CamouflageKey
    from app.personal_data import open_master_key
    from app.topology import read_directory
    from cli.shared.operator_context import open_operator_context
    from cli.shared.progress import progress
    from cli.shared.target import Target

    directory = read_directory(settings.directory)
    chosen = behaviour.default_model() if habits is None else behaviour.read_model(habits)
    texts = known_reasons.default_reasons() if reasons is None else known_reasons.read_reasons(reasons)
    operator = CamouflageKey.read(settings.canary_key)
    async with open_operator_context(Target(directory)) as context:
        preparation = Preparation(directory, context.databases, operator, open_master_key(settings.master_key))
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
    out: Annotated[str, typer.Option(help="File or table, as `fortress data generate --out` takes it.")],
    place: Place = 0,
    rows: Rows = "1000",
    scope: Annotated[
        list[Scope] | None, typer.Option(help="What the credentials are for; may be repeated; default: read and spend.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Make a table of fake customers to plant; using an account, address or credential of it betrays the user.

    Of the decoys' settings only the operator's key and the credentials' issuer and audience are needed.
    """
    from app.camouflage.bundle import create_bundle
    from app.camouflage.settings import BundleSettings
    from app.canaries.credentials import Bearer
    from app.canaries.key import CamouflageKey
    from app.settings import load
    from cli.data.writing import parse_rows, write_records

    settings = load(BundleSettings)
    bearer = Bearer(settings.oidc_issuer, settings.oidc_audience, [str(chosen) for chosen in scope or SCOPES])
    records = create_bundle(CamouflageKey.read(settings.canary_key), place, parse_rows(rows), bearer)
    summary = write_records(records, out)
    show(asdict(summary), str(summary), as_json=as_json)


@app.command()
def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on; default FORTRESS_CAMOUFLAGE_HOST.")] = None,
    port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="Port; default FORTRESS_CAMOUFLAGE_PORT, else 8441.")
    ] = None,
) -> None:
    """Serve the decoys until SIGTERM. Variables named FORTRESS_CAMOUFLAGE_… configure it."""
    from app.camouflage import application
    from app.camouflage.settings import CamouflageSettings
    from app.settings import load

    application.run(load(CamouflageSettings, host=host, port=port))


@shards_command(app)
async def habits(
    context: OperatorContext,
    out: Annotated[Path, typer.Option(help="File to write, for `prepare --habits`.")],
    accounts: Annotated[int, typer.Option(min=20, help="Most accounts to look at, on each shard.")] = 2000,
) -> None:
    """Measure how the accounts of the ledger behave, so that decoys behave like them.

    The file holds distributions over many accounts: no name, no text, and nothing of a single account.
    """
    from app.camouflage.measuring import measure_behaviour, read_histories

    found = [history for database in context.databases.values() for history in await read_histories(database, accounts)]
    model = measure_behaviour(found, datetime.now(UTC))
    out.write_text(model.model_dump_json() + "\n")
    print(f"{out}: the habits of accounts of {len(model.segments)} segments")


@app.command()
def profile(
    metrics: Annotated[list[str], typer.Argument(help="Addresses or files of the ledger's metrics.")],
    out: Annotated[Path, typer.Option(help="File to write, for FORTRESS_CAMOUFLAGE_PROFILE.")],
    as_json: AsJson = False,
) -> None:
    """Measure how fast the ledger answers and how often it fails, for decoys on other machines."""
    from app.camouflage.profile import measure_profile

    found = measure_profile([_exposition(where) for where in metrics])
    out.write_text(found.model_dump_json(indent=1) + "\n")
    for name, route in found.routes.items():
        half = route.seconds(0.5)
        document = {"route": name, "median_seconds": half, "failures": route.failures}
        show(document, f"{name}: half within {half * 1000:.1f} ms, {route.failures:.2%} fail", as_json=as_json)


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
    days: Annotated[int, typer.Option(min=1, help="How many days to look back.")] = 30,
    decoys: Annotated[
        bool, typer.Option("--decoys", help="Those at the decoys (FORTRESS_CAMOUFLAGE_DIRECTORY), not at the ledger.")
    ] = False,
    env: Environment = None,
    directory: DirectoryFile = None,
    as_json: AsJson = False,
) -> None:
    """Show who has presented canary tokens, the latest first."""
    import asyncio

    for event in asyncio.run(_sightings(days, decoys, env, directory)):
        name = f"{event['kind']} {event['place']}/{event.get('index', '-')}"
        show(event, f"{event['at']}  {name}  {event.get('caller', '-')}  {event['line']}", as_json=as_json)


async def _sightings(days: int, decoys: bool, env: str | None, directory: Path | None) -> list[dict[str, Any]]:
    from app.camouflage.settings import CamouflageSettings
    from app.canaries.detections import read_detections
    from app.settings import load
    from app.topology import read_directory
    from cli.shared.operator_context import open_operator_context
    from cli.shared.target import Target, find_target

    target = Target(read_directory(load(CamouflageSettings).directory)) if decoys else find_target(env, directory)
    async with open_operator_context(target) as context:
        return await read_detections(context.databases.values(), days)
