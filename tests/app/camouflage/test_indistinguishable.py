"""A classifier that has seen a thousand answers of both cannot tell the decoy from the ledger; a leaky decoy it can.

What is compared: `fortress serve` on a ledger's databases and `fortress decoy serve` on databases of decoys, each
a process of its own, on one database server. The ledger is filled with accounts of customers whose names have nothing
to do with the operator's key, and whose histories are drawn by the same habits, from other seeds. So the two are of one
kind, as where an operator has measured habits that fit, and whatever tells the servers apart is the doing of the
camouflage: names, headers, errors, order, counts, places, times. How well measured habits fit a ledger that lives by
other rules is another question, which `test_behaviour.py` looks at.

The half that it is judged by comes from other accounts, and from other processes, started anew: what it knows of single
accounts or single processes (two of one server differ in time by some per cent) would tell two ledgers apart, too.

The quick test does not look at the time, which depends on what else runs on the machine. So one start is enough there.
"""

from __future__ import annotations

import asyncio
import json
import math
import os
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from app.camouflage import behaviour, reasons
from app.camouflage.histories import BLOCK_GROUPS, GROUP_SIZE, AccountGroup
from app.camouflage.preparation import Preparation
from app.canaries.key import CamouflageKey
from app.personal_data.key_file import FileMasterKey
from localcloud.identity import ISSUER
from tests.app.camouflage.classifier import Features, auc
from tests.app.camouflage.conftest import account_of, migrated_directory, operators_of
from tests.app.camouflage.observing import ENDPOINTS, Seen, Side, features, observed
from tests.app.conftest import AUDIENCE, Postgres, environment_of, log_in_as
from tests.waiting import wait_until

pytestmark = pytest.mark.servers

ALLOWED = 0.55
FULL = 2000
QUICK = 100
STARTS = {QUICK: 1, FULL: 8}
"""How often both servers are started; where it is more than once, every second time is for judging."""
LATENCY = "latency"
QUICK_ENDPOINTS = ("balance", "statement", "grant", "transfer", "unknown account")
COMMAND = [sys.executable, "-c", "from cli.main import main; main()"]


def bound(pairs: int) -> float:
    """What an area under the curve may be: 0.55, and for a few pairs what chance makes of that.

    Chance: 3.3 deviations by Mann and Whitney's variance, which is passed once in two thousand times.
    """
    if pairs == FULL:
        return ALLOWED
    held = pairs // 2
    return ALLOWED + 3.3 * math.sqrt((2 * held + 1) / (12 * held * held))


@dataclass(frozen=True)
class Databases:
    """Databases of a ledger and of decoys, with so many accounts each."""

    texts: Mapping[str, str]
    names: Mapping[str, Sequence[str]]


def fill(postgres: Postgres, key: CamouflageKey, folder: Path, pairs: int) -> Databases:
    now = datetime.now(UTC)
    names = [str(uuid.uuid4()) for _ in range(-(-pairs // GROUP_SIZE) * GROUP_SIZE)]
    with pytest.MonkeyPatch.context() as patch:
        log_in_as(patch, postgres, "migrator")
        sides = {name: migrated_directory(postgres) for name in ("real", "decoy")}
        masters = {name: FileMasterKey.create(folder / f"{name}-master.json") for name in sides}

        async def make_accounts() -> None:
            ways = {"model": behaviour.default_model(), "reasons": reasons.default_reasons()}
            async with operators_of(sides["decoy"][1]) as databases:
                preparation = Preparation(sides["decoy"][1], databases, key, masters["decoy"])
                await preparation.make(0, pairs, now=now, views=1, **ways)
            async with operators_of(sides["real"][1]) as databases:
                preparation = Preparation(sides["real"][1], databases, key, masters["real"])
                step = GROUP_SIZE * BLOCK_GROUPS
                for first in range(0, len(names), step):
                    block = [
                        happened
                        for start in range(first, min(first + step, len(names)), GROUP_SIZE)
                        for happened in AccountGroup(names[start : start + GROUP_SIZE], **ways, until=now).history(
                            10**9 + start
                        )
                    ]
                    await preparation.store(f"real {first}", block)

        asyncio.run(make_accounts())
    decoys = [account_of(key, index) for index in range(pairs)]
    return Databases({name: text for name, (text, _) in sides.items()}, {"real": names[:pairs], "decoy": decoys})


@contextmanager
def served(postgres: Postgres, databases: Databases, folder: Path, key_file: Path) -> Iterator[tuple[Side, Side]]:
    """The ledger and the decoy, as one caller knows them."""
    token = postgres.authority.mint("tester", AUDIENCE, SCOPES, timedelta(hours=5))
    sides = {}
    with ExitStack() as stack:
        for name, text in databases.texts.items():
            url = stack.enter_context(serving(postgres, name, text, folder, key_file))
            headers = {"Authorization": f"Bearer {token}"}
            client = stack.enter_context(httpx.Client(base_url=url, headers=headers, timeout=20))
            # What came in all at once is dealt with before anybody looks at the time.
            wait_until(lambda client=client: _is_quiet(client), f"the read models of {name}", seconds=900)
            sides[name] = Side(client, databases.names[name])
        yield sides["real"], sides["decoy"]


SCOPES = ("credits:grant", "credits:read", "credits:spend", "credits:administer")


@contextmanager
def serving(postgres: Postgres, name: str, directory: str, folder: Path, key_file: Path) -> Iterator[str]:
    (folder / f"{name}.json").write_text(directory)
    (folder / "jwks.json").write_text(postgres.authority.jwks())
    address = postgres.sandbox.claim_address(f"camouflage-{name}", 8440)
    prefix = "FORTRESS_" if name == "real" else "FORTRESS_CAMOUFLAGE_"
    settings = {
        "ENVIRONMENT": "test",
        "CLOUD": "aws",
        "DIRECTORY": str(folder / f"{name}.json"),
        "MASTER_KEY": f"file:{folder / f'{name}-master.json'}",
        "OIDC_ISSUER": ISSUER,
        "OIDC_AUDIENCE": AUDIENCE,
        "OIDC_JWKS_URI": (folder / "jwks.json").as_uri(),
        "HOST": address,
        "PORT": "8440",
        "POOL_SIZE": "1",
        "CANARY_KEY": str(key_file),
        "DRAIN_SECONDS": "0",
        "RATE_LIMIT": "100000/second",
    }
    environment = {
        **{each: value for each, value in os.environ.items() if each == "PATH" or each.startswith("COV")},
        **environment_of(postgres.authority, "ledger"),
        **{prefix + each: value for each, value in settings.items()},
    }
    command = [*COMMAND, *(("serve",) if name == "real" else ("decoy", "serve"))]
    with (folder / f"{name}.log").open("w") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=subprocess.STDOUT)
    url = f"http://{address}:8440"
    try:
        wait_until(lambda: process.poll() is not None or _ready(url), f"the {name} server")
        assert process.poll() is None, (folder / f"{name}.log").read_text()
        yield url
    finally:
        process.kill()
        process.wait()


def _ready(url: str) -> bool:
    try:
        return httpx.get(f"{url}/readyz", timeout=5).status_code == 200
    except httpx.TransportError:
        return False


def _is_quiet(client: httpx.Client) -> bool:
    lags = [
        line for line in client.get("/metrics").text.splitlines() if line.startswith("fortress_projection_lag_events{")
    ]
    return bool(lags) and all(float(line.rpartition(" ")[2]) == 0 for line in lags)


def _with_header(seen: Seen) -> Seen:
    return replace(seen, headers=(*seen.headers, ("server", "uvicorn")))


def _slower(seen: Seen) -> Seen:
    return replace(seen, seconds=3 * seen.seconds)


def _with_other_error(seen: Seen) -> Seen:
    return replace(seen, body={"detail": seen.body["detail"]} if isinstance(seen.body, dict) else seen.body)


def _with_other_names(seen: Seen) -> Seen:
    text = json.dumps(seen.body)
    for name in sorted({part for part in text.replace('"', " ").split() if len(part) == 36}):
        text = text.replace(name, name.replace("-", ""))
    return replace(seen, body=json.loads(text))


LEAKS: Mapping[str, tuple[str, Callable[[Seen], Seen]]] = {
    "a header more": ("balance", _with_header),
    "three times as slow": ("balance", _slower),
    "another form of errors": ("unknown account", _with_other_error),
    "names of another form": ("balance", _with_other_names),
}


Answers = list[tuple[Seen, Seen]]
Compare = Callable[[Sequence[str], int], None]
Servers = Callable[[], AbstractContextManager[tuple[Side, Side]]]


def judged(
    halves: Sequence[Answers], leak: Callable[[Seen], Seen] = lambda seen: seen, *, by_time: bool
) -> tuple[float, object]:
    def seen(answer: Seen) -> Features:
        return {name: value for name, value in features(answer).items() if by_time or name != LATENCY}

    learned, held = (([seen(real) for real, _ in half], [seen(leak(decoy)) for _, decoy in half]) for half in halves)
    return auc(learned, held)


def check(servers: Servers, endpoints: Sequence[str], pairs: int) -> None:
    halves: dict[str, tuple[Answers, Answers]] = {endpoint: ([], []) for endpoint in endpoints}
    step = pairs // max(2, STARTS[pairs])
    blocks = list(enumerate(range(0, pairs, step)))
    for start in range(STARTS[pairs]):
        with servers() as (real, decoy):
            for number, first in blocks[start :: STARTS[pairs]]:
                for endpoint, known in halves.items():
                    seen = observed(real, decoy, range(first, first + step), ENDPOINTS[endpoint], seed=first)
                    known[number % 2].extend(seen)
    by_time = pairs == FULL
    for name, (endpoint, leak) in LEAKS.items():
        if leak is _slower and not by_time:
            continue
        area, _ = judged(halves[endpoint], leak, by_time=by_time)
        print(f"leaky: {name}: {area:.3f}", flush=True)
        assert area > bound(pairs), (name, area)
    found = {endpoint: judged(known, by_time=by_time) for endpoint, known in halves.items()}
    for endpoint, (area, went_by) in found.items():
        print(f"{endpoint}: {area:.3f} {went_by}", flush=True)
    assert {name: area for name, (area, _) in found.items() if area > bound(pairs)} == {}


@pytest.fixture
def compare(postgres: Postgres, operator_key: CamouflageKey, canary_file: Path, tmp_path: Path) -> Compare:
    def compare(endpoints: Sequence[str], pairs: int) -> None:
        databases = fill(postgres, operator_key, tmp_path, pairs)
        check(lambda: served(postgres, databases, tmp_path, canary_file), endpoints, pairs)

    return compare


def test_a_classifier_cannot_tell_the_decoy_from_the_ledger(compare: Compare) -> None:
    compare(QUICK_ENDPOINTS, QUICK)


@pytest.mark.full
def test_a_classifier_that_saw_two_thousand_answers_cannot_either(compare: Compare) -> None:
    compare(tuple(ENDPOINTS), FULL)
