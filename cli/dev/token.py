"""`fortress token`: a bearer token of the local environment's issuer."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from app.scopes import Scope

AUDIENCE = "ledger"
SCOPES = (Scope.GRANT, Scope.READ)
LONGEST_MINUTES = 24 * 60


class NoIssuer(Exception):
    """There is no local environment here, which alone mints tokens."""


def token(
    scope: Annotated[
        list[Scope] | None, typer.Option(help=f"May be given again; default {' and '.join(SCOPES)}.")
    ] = None,
    subject: Annotated[str, typer.Option(help="Who the token stands for.")] = "developer",
    audience: Annotated[str, typer.Option(help="Whom the token is for.")] = AUDIENCE,
    lifetime: Annotated[int, typer.Option(min=1, max=LONGEST_MINUTES, help="Minutes until it expires.")] = 60,
) -> None:
    """Print a bearer token for the app of the local environment, and nothing else."""
    try:
        from localcloud.identity import Authority
        from localcloud.sandbox import Sandbox, default_root
    except ModuleNotFoundError:
        raise NoIssuer("tokens are minted by the local environment, which is not part of this installation") from None
    sandbox = Sandbox(default_root())
    if not (sandbox.root / "identity").is_dir():
        raise NoIssuer("the local environment is not up, and it is what mints tokens: run make up first")
    authority = Authority.of(sandbox)
    scopes = [each.value for each in scope or SCOPES]
    print(authority.mint(subject, audience, scopes, timedelta(minutes=lifetime), datetime.now(UTC)))
