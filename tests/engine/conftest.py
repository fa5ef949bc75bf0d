"""A Pulumi project in a folder of its own, with its own backend and a tiny provider on PATH."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

from tools.engine import locate

LONG_ENOUGH = 120
TINY_RESOURCE = """
import pulumi

class Thing(pulumi.CustomResource):
    size: pulumi.Output[float]

    def __init__(self, name, opts=None, **inputs):
        super().__init__("tiny:index:Thing", name, {"size": None, **inputs}, opts)
"""


class Project:
    """One program and one stack, `test`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "project"
        self.things = folder / "things"
        self.environment = locate().environment() | {
            "PULUMI_BACKEND_URL": f"file://{folder / 'state'}",
            "PULUMI_CONFIG_PASSPHRASE": "only for this test",
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
            "PULUMI_HOME": str(folder / "home"),
            "TINY_FOLDER": str(self.things),
        }
        for name in ("project", "state", "home", "things", "plugins"):
            (folder / name).mkdir()
        provider = Path(__file__).with_name("tiny_provider.py")
        self._plugin(folder / "plugins" / "pulumi-resource-tiny", provider)
        self.write("Pulumi.yaml", "name: tiny\nruntime: python\n")
        self.write("tiny.py", TINY_RESOURCE)

    def write(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text))
        return path

    def program(self, text: str) -> None:
        self.write("__main__.py", text)

    def policies(self, text: str) -> str:
        """A policy pack; returns the option that turns it on."""
        self.write("pack/PulumiPolicy.yaml", "runtime: python\n")
        self.write("pack/__main__.py", text)
        return f"--policy-pack={self.folder / 'pack'}"

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """`pulumi` with these arguments; a failure is for the caller to judge."""
        with self.start(*arguments) as process:
            output, _ = process.communicate(timeout=LONG_ENOUGH)
        return subprocess.CompletedProcess(arguments, process.returncode, output)

    def ok(self, *arguments: str) -> str:
        """What `pulumi` says when it succeeds."""
        answer = self.run(*arguments)
        assert answer.returncode == 0, answer.stdout
        return answer.stdout

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            ["pulumi", "--non-interactive", "--color=never", *arguments],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def outputs(self) -> dict[str, Any]:
        return json.loads(self.ok("stack", "output", "--json"))

    def resources(self) -> dict[str, dict[str, Any]]:
        """The resources in the stack's state, by name."""
        state = json.loads(self.ok("stack", "export"))
        return {resource["urn"].rpartition("::")[2]: resource for resource in state["deployment"].get("resources", [])}

    def _plugin(self, target: Path, script: Path) -> None:
        command = f"exec {shlex.quote(sys.executable)} -I {shlex.quote(str(script))}"
        target.write_text(f'#!/bin/sh\n{command} "$@"\n')
        target.chmod(0o755)
        self.environment["PATH"] = f"{target.parent}:{self.environment['PATH']}"


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A project whose stack exists and has no resources."""
    project = Project(tmp_path)
    project.ok("stack", "init", "test")
    return project
