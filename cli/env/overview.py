"""What runs in the local environment, as tables or JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict

from cli.shared.output import show_table
from localcloud.identity import Authority
from localcloud.inventory import Inventory, PodView, look
from localcloud.kubernetes.pods import SUCCEEDED
from localcloud.sandbox import Sandbox, default_root


def show_status(*, as_json: bool) -> None:
    """Print what runs in the local environment."""
    sandbox = Sandbox(default_root())
    inventory = look(sandbox)
    if as_json:
        _print_json(sandbox, inventory)
    elif not inventory.databases and not inventory.pods:
        print("Nothing of the local environment runs; bring it up with `make up`.")
    else:
        _print_tables(inventory)


def show_after_up(sandbox: Sandbox, *, as_json: bool) -> None:
    """Print what runs, and commands to try, at the end of `fortress up`."""
    inventory = look(sandbox)
    if as_json:
        _print_json(sandbox, inventory)
        return
    print()
    _print_tables(inventory)
    print(format_hints(sandbox, inventory))


def format_hints(sandbox: Sandbox, inventory: Inventory) -> str:
    """Return lines to copy: they make a grant over HTTP, and show it in the database of the account's home."""
    url = inventory.gateways[0].url
    return f"""
Try it:
  export PGSERVICEFILE={inventory.service_file} CURL_CA_BUNDLE={Authority.of(sandbox).ca_certificate}
  token=$(.venv/bin/fortress token)
  curl -H "Authorization: Bearer $token" -H "Content-Type: application/json" \\
       -d '{{"amount": 100}}' {url}/accounts/alice/grants
  curl -H "Authorization: Bearer $token" {url}/accounts/alice      # "shard" is where it is stored
  .venv/bin/fortress psql alice -c "select * from events where stream = 'alice'"
The API is described at {url}/docs; `make status` shows what runs, `make down` removes everything."""  # noqa: S608 (text for people)


def _print_json(sandbox: Sandbox, inventory: Inventory) -> None:
    places = {"home": str(sandbox.root), "ca_certificate": str(sandbox.root / "identity" / "ca.crt")}
    print(json.dumps(asdict(inventory) | places, indent=1))


def _print_tables(inventory: Inventory) -> None:
    show_table(
        ("database", "cloud", "role", "address", "state"),
        [
            (server.service, server.cloud, server.role, f"{server.address}:{server.port}", _running(server.running))
            for server in inventory.databases
        ],
    )
    show_table(
        ("pod", "cluster", "address", "state"),
        [(pod.name, pod.cluster, _format_address(pod.address, pod.ports), _pod_state(pod)) for pod in inventory.pods],
    )
    show_table(
        ("gateway", "cluster", "state"),
        [(gateway.url, gateway.cluster, "ready" if gateway.ready else "DOWN") for gateway in inventory.gateways],
    )


def _running(running: bool) -> str:
    return "running" if running else "DOWN"


def _pod_state(pod: PodView) -> str:
    return "ready" if pod.ready else "done" if pod.phase == SUCCEEDED else "NOT READY"


def _format_address(address: str, ports: Sequence[int]) -> str:
    return f"{address}:{ports[0]}" if address and ports else ""
