"""A master key in a file, in place of a cloud's key service."""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path

from localcloud.sandbox import Sandbox, write_atomically

SECRET_BYTES = 32
NAME = "local-1"


def master_key_of(sandbox: Sandbox) -> Path:
    """The file of this sandbox's master key, made on first use; nobody but its owner can read it.

    Its form is that of the app: `{"current": "<id>", "keys": {"<id>": "<32 bytes, base64>"}}`.
    """
    path = sandbox.folder("keys") / "master-key.json"
    with sandbox.lock("keys"):
        if not path.exists():
            secret = base64.b64encode(os.urandom(SECRET_BYTES)).decode()
            write_atomically(path, json.dumps({"current": NAME, "keys": {NAME: secret}}) + "\n")
    return path
