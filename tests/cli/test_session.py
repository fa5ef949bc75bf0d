"""The engine as the command runs it: its stack, plugins and backend."""

from __future__ import annotations

import datetime
import os
from importlib.metadata import version
from pathlib import Path

import pytest

from cli.engine.session import Session, StackMissing, shell_lines
from cli.engine.stack_files import prepare_stack
from localcloud.sandbox import CHECKOUT, Sandbox
from tools.engine import Engine, Origin
from tools.engine.simulation import PACKAGES, engine_variables

TODAY = datetime.date(2030, 1, 1)


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    """Return an engine without any stack, which records its arguments."""
    program = tmp_path / "bin" / "pulumi"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/calls\nexit 255\n')
    program.chmod(0o755)
    return Engine(bin=program.parent, version="0", origin=Origin.PATH)


def test_the_command_never_creates_a_real_stack(engine: Engine, tmp_path: Path) -> None:
    session = Session("production", prepare_stack(CHECKOUT, "production", TODAY), Sandbox(tmp_path), engine)
    with pytest.raises(StackMissing, match=r"pulumi login.*pulumi stack init production"):
        session.prepare()
    assert "init" not in (tmp_path / "calls").read_text()


def test_a_simulated_run_uses_the_emulators_and_nothing_of_the_users(engine: Engine, tmp_path: Path) -> None:
    variables = engine_variables(engine, Sandbox.open(tmp_path / "sandbox"))
    assert variables["PULUMI_BACKEND_URL"].startswith(f"file://{tmp_path}/sandbox")
    assert variables["PULUMI_IGNORE_AMBIENT_PLUGINS"] == "true"
    plugins = Path(variables["PULUMI_HOME"]) / "plugins"
    for package in PACKAGES:
        plugin = plugins / f"resource-{package}-v{version(f'pulumi-{package}')}" / f"pulumi-resource-{package}"
        assert plugin.resolve().parent == CHECKOUT / "localcloud" / "bin"


def test_a_real_run_keeps_the_users_backend_and_plugins(engine: Engine) -> None:
    variables = engine_variables(engine, None)
    assert not {"PULUMI_BACKEND_URL", "PULUMI_HOME", "PULUMI_CONFIG_PASSPHRASE", "LOCALCLOUD_HOME"} & set(variables)
    assert variables["PATH"] == os.pathsep.join([str(engine.bin), str(CHECKOUT / ".venv" / "bin"), os.environ["PATH"]])


def test_lines_for_the_shell_quote_special_characters() -> None:
    assert shell_lines({"A": "", "B": "it's $HOME"}) == "export A=''\nexport B='it'\"'\"'s $HOME'"
