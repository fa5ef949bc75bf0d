"""What runs in the local environment, for people and for programs."""

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
    """`fortress status`."""
    sandbox = Sandbox(default_root())
    inventory = look(sandbox)
    if as_json:
        _as_json(sandbox, inventory)
    elif not inventory.databases and not inventory.pods:
        print("Nothing of the local environment runs; bring it up with `make up`.")
    else:
        _tables(inventory)


def show_after_up(sandbox: Sandbox, *, as_json: bool) -> None:
    """What `fortress up` says at its end: where everything is, and what to try."""
    inventory = look(sandbox)
    if as_json:
        _as_json(sandbox, inventory)
        return
    print()
    _tables(inventory)
    print(hints(sandbox, inventory))


def hints(sandbox: Sandbox, inventory: Inventory) -> str:
    """Lines to copy: a grant over HTTP, and the same grant in the database of the account's home."""
    url = inventory.gateways[0].url
    return f"""
Try it:
  export PGSERVICEFILE={inventory.service_file} CURL_CA_BUNDLE={Authority.of(sandbox).ca_certificate}
  token=$(.venv/bin/fortress token)
  curl -H "Authorization: Bearer $token" -H "Content-Type: application/json" \\
       -d '{{"amount": 100}}' {url}/accounts/alice/grants
  curl -H "Authorization: Bearer $token" {url}/accounts/alice      # "shard" is where it is stored
  .venv/bin/fortress psql alice -c "select * from events where stream = 'alice'"
The API is described at {url}/docs; `make status` shows what runs, `make down` takes it all away."""  # noqa: S608 (text for people)


def _as_json(sandbox: Sandbox, inventory: Inventory) -> None:
    places = {"home": str(sandbox.root), "ca_certificate": str(sandbox.root / "identity" / "ca.crt")}
    print(json.dumps(asdict(inventory) | places, indent=1))


def _tables(inventory: Inventory) -> None:
    show_table(
        ("database", "cloud", "role", "address", "state"),
        [
            (one.service, one.cloud, one.role, f"{one.address}:{one.port}", "running" if one.running else "DOWN")
            for one in inventory.databases
        ],
    )
    show_table(
        ("pod", "cluster", "address", "state"),
        [(pod.name, pod.cluster, _address(pod.address, pod.ports), _state(pod)) for pod in inventory.pods],
    )
    show_table(
        ("gateway", "cluster", "state"),
        [(one.url, one.cluster, "ready" if one.ready else "DOWN") for one in inventory.gateways],
    )


def _state(pod: PodView) -> str:
    return "ready" if pod.ready else "done" if pod.phase == SUCCEEDED else "NOT READY"


def _address(address: str, ports: Sequence[int]) -> str:
    return f"{address}:{ports[0]}" if address and ports else ""
