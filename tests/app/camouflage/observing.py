"""Two servers asked the same things, and what can be seen of their answers."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import httpx

from tests.app.camouflage.classifier import Features, of_statement, shape

VOLATILE = ("date", "x-request-id", "content-length")
"""Headers whose value is the request's own: only their form counts."""


@dataclass(frozen=True)
class Side:
    """One of the two servers, as a caller knows it."""

    client: httpx.Client
    accounts: Sequence[str]
    """Accounts of one history after the other; the same place stands for the same question to both."""

    def pair(self, index: int) -> tuple[str, str]:
        return self.accounts[index], self.accounts[index ^ 1]


@dataclass(frozen=True)
class Seen:
    """An answer and how long it took."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: Any
    length: int
    seconds: float


Ask = Callable[[Side, int], httpx.Response]


def _get(path: str) -> Ask:
    return lambda side, index: side.client.get(path.format(account=side.accounts[index]))


def _post(path: str, **body: Any) -> Ask:
    return lambda side, index: side.client.post(path.format(account=side.accounts[index]), json=body)


def _transfer(side: Side, index: int) -> httpx.Response:
    source, target = side.pair(index)
    return side.client.post("/transfers", json={"source": source, "target": target, "amount": 1, "reason": "gift"})


def _reserve_and(action: str) -> Ask:
    def ask(side: Side, index: int) -> httpx.Response:
        account = f"/accounts/{side.accounts[index]}/reservations"
        made = side.client.post(account, json={"amount": 1})
        return side.client.post(f"{account}/{made.json()['reservation']}/{action}", json={})

    return ask


ENDPOINTS: Mapping[str, Ask] = {
    "balance": _get("/accounts/{account}"),
    "statement": _get("/accounts/{account}/statement"),
    "reservations": _get("/accounts/{account}/reservations?limit=10"),
    "grant": _post("/accounts/{account}/grants", amount=500, reason="top-up"),
    "spend": _post("/accounts/{account}/spends", amount=3, reason="usage"),
    "reserve": _post("/accounts/{account}/reservations", amount=5),
    "capture": _reserve_and("capture"),
    "release": _reserve_and("release"),
    "transfer": _transfer,
    "too much": _post("/accounts/{account}/spends", amount=10**12),
    "not empty": _post("/accounts/{account}/close"),
    "unknown account": _get("/accounts/{account}0"),
    "malformed": _post("/accounts/{account}/grants", amount="many"),
    "wrong cursor": _get("/accounts/{account}/statement?cursor=AAAA"),
    "unknown reservation": _get("/accounts/{account}/reservations/" + "0" * 32),
    "expire": lambda side, index: side.client.post(f"/accounts/{side.accounts[index]}/expire"),
}
"""In this order: first a caller looks, then changes."""


def observed(real: Side, decoy: Side, indices: Iterable[int], ask: Ask, seed: int) -> Iterator[tuple[Seen, Seen]]:
    """Ask both, whichever first."""
    order = random.Random(seed)
    for index in indices:
        sides = [real, decoy]
        order.shuffle(sides)
        seen = {id(side): _seen(side, index, ask) for side in sides}
        yield seen[id(real)], seen[id(decoy)]


def _seen(side: Side, index: int, ask: Ask) -> Seen:
    began = time.perf_counter()
    answer = ask(side, index)
    seconds = time.perf_counter() - began
    headers = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in answer.headers.raw)
    is_json = "json" in answer.headers.get("content-type", "")
    return Seen(answer.status_code, headers, answer.json() if is_json else answer.text, len(answer.content), seconds)


def features(seen: Seen) -> Features:
    """Everything of an answer that a caller could go by."""
    found: Features = {f"status {seen.status}": 1, "length": seen.length, "latency": seen.seconds}
    found["headers: " + ", ".join(name for name, _ in seen.headers)] = 1
    for name, value in seen.headers:
        form = shape(value) if name in VOLATILE else value
        found[f"header {name}: {form}"] = 1
        found[f"header {name} length"] = len(value)
    found |= _of_value("", seen.body)
    if isinstance(seen.body, dict) and seen.body.get("lines"):
        found |= of_statement(seen.body)
    return found


def _of_value(path: str, value: Any) -> Features:
    if isinstance(value, dict):
        found: Features = {f"keys {path}: {', '.join(value)}": 1}
        for name, inner in value.items():
            # What stands in lists differs from one to the next; their first entries tell the form.
            found |= _of_value(f"{path}.{name}", inner)
        return found
    if isinstance(value, list):
        found = {f"{path} number": len(value)}
        for inner in value[:3]:
            found |= _of_value(f"{path}[]", inner)
        return found
    if isinstance(value, bool) or value is None:
        return {f"{path}={value}": 1}
    if isinstance(value, int | float):
        return {f"{path} number": float(value), f"{path} digits": len(str(value)), f"{path} last": int(value) % 10}
    return {f"{path} length": len(value), f"{path} shape {shape(value)[:60]}": 1}
