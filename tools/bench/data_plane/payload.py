"""What every side stores: an event of about 200 bytes."""

from __future__ import annotations

import json

AMOUNT = 100
DATA = {"amount": AMOUNT, "reason": "x" * 174}
METADATA: dict[str, str] = {}
STATE = json.dumps(DATA, separators=(",", ":")).encode()
assert len(STATE) == 200
