"""`fortress serve`: the app's HTTP server."""

from __future__ import annotations

from typing import Annotated

import typer


def serve(
    host: Annotated[
        str | None, typer.Option(help="Address to listen on; default FORTRESS_HOST, else 127.0.0.1.")
    ] = None,
    port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="Port to listen on; default FORTRESS_PORT, else 8440.")
    ] = None,
) -> None:
    """Serve the app over HTTP until SIGTERM. It is set up by variables named FORTRESS_…."""
    from app import server
    from app.settings import ServeSettings, load

    server.run(load(ServeSettings, host=host, port=port))
