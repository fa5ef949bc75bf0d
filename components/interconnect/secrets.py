"""Pre-shared keys of tunnels between two clouds that both only take a key and make none."""

from __future__ import annotations

import hashlib
import hmac

import pulumi


class NoSharedSecret(ValueError):
    """Azure and Google Cloud are joined without AWS, and nobody said the secret."""


def derived(seed: pulumi.Input[str], purpose: str) -> pulumi.Output[str]:
    """A key of its own for each purpose from one secret; whoever learns it learns neither the seed nor another key."""
    text: pulumi.Output[str] = pulumi.Output.secret(seed)
    return pulumi.Output.secret(text.apply(lambda value: key_from(value, purpose)))


def key_from(seed: str | None, purpose: str) -> str:
    """64 hexadecimal digits, an alphabet that all three clouds take."""
    return hmac.new((seed or "").encode(), purpose.encode(), hashlib.sha256).hexdigest()
