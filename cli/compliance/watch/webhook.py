"""Alerts by webhook: one signed POST for all findings of a pass, with retries; a failure never ends the watch."""

from __future__ import annotations

import datetime
import hashlib
import hmac
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import stamina
import urllib3

from policies.watch import Opened

SECRET_VARIABLE = "FORTRESS_WEBHOOK_SECRET"  # noqa: S105 - the name, not the secret
TIMEOUT = urllib3.Timeout(connect=3.0, read=5.0)
ATTEMPTS = 4
PATIENCE_SECONDS = 30.0
"""Limit for all attempts together: the watch waits for them."""
LEAST_SECRET = 16
LOOPBACK = ("localhost", "127.0.0.1", "::1")
BUSY = (408, 425, 429)
SIGNATURE, TIMESTAMP, DELIVERY = "X-Fortress-Signature", "X-Fortress-Timestamp", "X-Fortress-Delivery"


class BadWebhook(Exception):
    """The webhook's address or secret cannot be used. The message shows neither."""


class Refused(Exception):
    """The receiver refuses the alert for good."""


class Unreached(Exception):
    """The receiver did not answer, or cannot take the alert now."""


@dataclass(frozen=True)
class Webhook:
    """The receiver of alerts, and the secret that signs them."""

    url: str
    secret: bytes
    attempts: int = ATTEMPTS
    patience: float = PATIENCE_SECONDS

    @classmethod
    def of(cls, url: str, secret: str) -> Webhook:
        """Check the address; raises BadWebhook. Plain http is for this machine only: alerts tell of weaknesses."""
        parts = urlsplit(url)
        if not parts.hostname or parts.scheme not in ("http", "https"):
            raise BadWebhook("--webhook must be an address that begins with https://")
        if parts.scheme == "http" and parts.hostname not in LOOPBACK:
            raise BadWebhook(f"--webhook: {parts.hostname} must be reached by https, for alerts tell where to attack")
        if len(secret) < LEAST_SECRET:
            raise BadWebhook(
                f"set {SECRET_VARIABLE} to a secret of at least {LEAST_SECRET} characters: it signs alerts"
            )
        return cls(url, secret.encode())

    @property
    def host(self) -> str:
        """Return the part of the address that may be shown; the rest is often a secret."""
        return urlsplit(self.url).hostname or ""

    def send(self, stack: str, opened: Sequence[Opened], clock: Callable[[], datetime.datetime]) -> None:
        """Deliver one alert; raises Refused, or Unreached after the last attempt."""
        body = make_body(stack, opened)
        retries = stamina.retry_context(
            on=Unreached, attempts=self.attempts, timeout=self.patience, wait_initial=0.2, wait_max=5.0
        )
        with urllib3.PoolManager(timeout=TIMEOUT, retries=False, headers={}) as pool:
            for attempt in retries:
                with attempt:
                    self._post(pool, body, {DELIVERY: make_delivery_id(opened)} | sign(self.secret, body, clock()))

    def _post(self, pool: urllib3.PoolManager, body: bytes, headers: Mapping[str, str]) -> None:
        try:
            answer = pool.request(
                "POST", self.url, body=body, headers={"Content-Type": "application/json", **headers}, redirect=False
            )
        except (urllib3.exceptions.HTTPError, OSError) as fault:
            raise Unreached(f"webhook at {self.host}: {type(fault).__name__}") from None
        if answer.status >= 500 or answer.status in BUSY:
            raise Unreached(f"webhook at {self.host}: status {answer.status}")
        if not 200 <= answer.status < 300:
            raise Refused(f"webhook at {self.host}: status {answer.status}")


def make_body(stack: str, opened: Sequence[Opened]) -> bytes:
    """Return the JSON body."""
    findings: list[Any] = [record.model_dump(mode="json", by_alias=True) for record in opened]
    return json.dumps({"version": 1, "stack": stack, "findings": findings}).encode()


def sign(secret: bytes, body: bytes, at: datetime.datetime) -> dict[str, str]:
    """Return the headers that prove the sender and prevent replays.

    The signature is the HMAC-SHA256 of the timestamp (Unix, whole seconds), a full stop, and the body.
    """
    stamp = str(int(at.timestamp()))
    digest = hmac.new(secret, f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()
    return {TIMESTAMP: stamp, SIGNATURE: f"sha256={digest}"}


def make_delivery_id(opened: Iterable[Opened]) -> str:
    """Return an id that is the same for the same findings, also after a restart, to recognise repeats."""
    parts = (f"{record.finding.key}\0{record.at.isoformat()}" for record in opened)
    return hashlib.sha256("\n".join(sorted(parts)).encode()).hexdigest()[:32]
