"""Emulators and real plugins, found on PATH or in the engine's home, are never mixed."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from stacks.environment import Environment, read_environment
from stacks.guard import MARKER, PluginMismatch, check_plugins, describe_mode

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("aws", "azure-native", "gcp", "kubernetes")


def environment(name: str) -> Environment:
    file = ROOT / "stacks" / "config" / f"Pulumi.{name}.yaml"
    return read_environment(name, yaml.safe_load(file.read_text())["config"], file.name)


def on_path(*folders: str) -> dict[str, str]:
    return {"PATH": ":".join(folders), "PULUMI_HOME": "/nowhere"}


def in_home(tmp_path: Path, *, emulators: bool) -> dict[str, str]:
    """Plugins as the engine keeps them in its home; the emulators there are links to where they lie."""
    source = plugins(tmp_path / "source", PACKAGES, emulators=emulators)
    for package in PACKAGES:
        folder = tmp_path / "home" / "plugins" / f"resource-{package}-v1.2.3"
        folder.mkdir(parents=True)
        (folder / f"pulumi-resource-{package}").symlink_to(Path(source) / f"pulumi-resource-{package}")
    return {"PATH": "/nowhere", "PULUMI_HOME": str(tmp_path / "home")}


def plugins(folder: Path, packages: tuple[str, ...], *, emulators: bool) -> str:
    folder.mkdir()
    for package in packages:
        program = folder / f"pulumi-resource-{package}"
        program.write_text("#!/bin/sh\n")
        program.chmod(0o755)
    if emulators:
        (folder / MARKER).touch()
    return str(folder)


def test_local_runs_on_emulators(tmp_path: Path) -> None:
    check_plugins(environment("local"), on_path(plugins(tmp_path / "bin", PACKAGES, emulators=True)))


def test_local_refuses_real_plugins(tmp_path: Path) -> None:
    with pytest.raises(PluginMismatch, match="local is simulated, but aws, azure-native, gcp, kubernetes would"):
        check_plugins(environment("local"), on_path(plugins(tmp_path / "bin", PACKAGES, emulators=False)))


def test_local_refuses_a_path_without_plugins_because_the_engine_would_take_its_own(tmp_path: Path) -> None:
    with pytest.raises(PluginMismatch, match="make shell"):
        check_plugins(environment("local"), on_path(str(tmp_path)))


def test_production_refuses_a_single_emulator(tmp_path: Path) -> None:
    first = plugins(tmp_path / "emulator", ("gcp",), emulators=True)
    second = plugins(tmp_path / "real", PACKAGES, emulators=False)
    with pytest.raises(PluginMismatch, match="production names real accounts, but gcp would be emulators"):
        check_plugins(environment("production"), on_path(first, second))


def test_production_runs_on_real_plugins_or_the_engines_own(tmp_path: Path) -> None:
    check_plugins(environment("production"), on_path(plugins(tmp_path / "real", PACKAGES, emulators=False)))
    check_plugins(environment("production"), on_path(str(tmp_path)))


def test_emulators_in_the_engine_s_home_count_as_well(tmp_path: Path) -> None:
    variables = in_home(tmp_path, emulators=True)
    check_plugins(environment("local"), variables)
    with pytest.raises(PluginMismatch, match="would be emulators"):
        check_plugins(environment("production"), variables)


def test_real_plugins_in_the_engine_s_home_are_no_emulators(tmp_path: Path) -> None:
    variables = in_home(tmp_path, emulators=False)
    check_plugins(environment("production"), variables)
    with pytest.raises(PluginMismatch, match="would be real"):
        check_plugins(environment("local"), variables)


def test_a_real_plugin_on_path_wins_unless_the_engine_ignores_path(tmp_path: Path) -> None:
    variables = in_home(tmp_path, emulators=True)
    variables["PATH"] = plugins(tmp_path / "real", PACKAGES, emulators=False)
    with pytest.raises(PluginMismatch, match="would be real"):
        check_plugins(environment("local"), variables)
    check_plugins(environment("local"), variables | {"PULUMI_IGNORE_AMBIENT_PLUGINS": "true"})


def test_the_project_s_own_emulators_are_marked() -> None:
    assert (ROOT / "localcloud" / "bin" / MARKER).is_file()


def test_a_simulated_run_says_so() -> None:
    assert describe_mode(environment("local")).startswith("Simulated: ")
