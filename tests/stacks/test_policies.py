"""The packs on environments of ours, by the real engine: those of the frameworks as another project would run them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from localcloud.sandbox import CHECKOUT, Sandbox
from policies.frameworks import FRAMEWORKS

pytestmark = pytest.mark.engine


@pytest.mark.parametrize("rehearsed", ["preview-7"], indirect=True)
def test_an_environment_passes_the_packs_of_all_frameworks_together(rehearsed: Any, tmp_path: Path) -> None:
    configuration = tmp_path / "packs.json"
    configuration.write_text(json.dumps({"all": {"enforcementLevel": "mandatory"}}))
    packs = [str(CHECKOUT / "policies" / framework) for framework in FRAMEWORKS]
    settings = {"policy_packs": packs, "policy_pack_configs": [str(configuration)] * len(packs)}
    assert set(rehearsed.stack.up(**settings).summary.resource_changes) == {"create"}


def test_the_local_environment_passes_at_a_preview_from_nothing(sandbox: Sandbox) -> None:
    command = [Path(sys.executable).parent / "fortress", "preview", "--env", "local"]
    answer = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True)
    assert answer.returncode == 0, answer.stderr
    assert "fortress@v" in answer.stdout
