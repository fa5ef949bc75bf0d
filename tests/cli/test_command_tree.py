"""The whole command: its groups, their old names, its global options, and what its help may import."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main
from typer.core import TyperGroup
from typer.testing import CliRunner

from cli.main import app, main
from cli.shared.output import show
from cli.shared.target import NoShards, find_target
from cli.spellings import OLD
from cli.tree import ENTRIES

FORTRESS = Path(sys.executable).with_name("fortress")
GROUPS = {"env", "app", "ledger", "shards", "privacy", "events", "data", "decoy", "compliance", "dev"}
EVERY_DAY = {"up", "down", "status", "preview", "psql", "token"}
IN_CONTAINERS = {"serve", "migrate"}
DECLARATIONS = {"app", "app.scopes", "cli", "cli.main", "cli.spellings", "cli.tree", "cli.data.fidelity"} | {
    *("cli.shared", "cli.shared.commands", "cli.shared.options", "cli.shared.output"),
    *(f"cli.{group}" for group in GROUPS),
    *(f"cli.{group}.commands" for group in GROUPS),
}
"""Modules of this project that the help of all commands imports."""
LIBRARIES_OF_HELP = {"annotated_doc", "annotated_types", "attr", "markdown_it", "mdurl", "pydantic"} | {
    *("pydantic_core", "pygments", "rich", "shellingham", "typer", "typing_extensions", "typing_inspection"),
}
"""Typer, Rich and what these import."""

BEFORE = {
    "up": "env up",
    "down": "env down",
    "status": "env status",
    "preview": "env preview",
    "rehearse": "env rehearse",
    "refresh": "env refresh",
    "preview-comment": "env preview-comment",
    "shell": "dev shell",
    "token": "dev token",
    "psql": "dev psql",
    "serve": "app serve",
    "archive": "events archive",
    "erase": "privacy erase",
    "export": "privacy export",
    "camouflage bundle": "decoy bundle",
    "camouflage habits": "decoy habits",
    "camouflage key": "decoy key",
    "camouflage prepare": "decoy prepare",
    "camouflage profile": "decoy profile",
    "camouflage serve": "decoy serve",
    "camouflage sightings": "decoy sightings",
    "compliance baseline": "compliance baseline",
    "compliance exemptions": "compliance exemptions",
    "compliance report": "compliance report",
    "compliance watch": "compliance watch",
    "migrate up": "app migrate up",
    "migrate down": "app migrate down",
    "migrate status": "app migrate status",
    "credits close": "ledger close",
    "credits expire": "ledger expire",
    "credits grant": "ledger grant",
    "credits grant-all": "ledger grant-all",
    "credits reservations": "ledger reservations",
    "credits show": "ledger show",
    "credits spend": "ledger spend",
    "credits statement": "ledger statement",
    "credits transfer": "ledger transfer",
    "shards abort": "shards abort",
    "shards add": "shards add",
    "shards check": "shards check",
    "shards drain": "shards drain",
    "shards drop": "shards drop",
    "shards move": "shards move",
    "shards plan": "shards plan",
    "shards rebalance": "shards rebalance",
    "shards rebase": "shards rebase",
    "shards remove": "shards remove",
    "shards resume": "shards resume",
    "shards status": "shards status",
    "synth": "data generate",
    "synth fit": "data fit",
    "synth compare": "data compare",
    "erasures list": "privacy erasures list",
    "erasures replay": "privacy erasures replay",
    "keys create": "privacy keys create",
    "keys rewrap": "privacy keys rewrap",
    "keys rotate": "privacy keys rotate",
}
"""The old and the new name of every command."""


def command_of(name: str) -> Any:
    """Return the command that these words name."""
    command, context = typer.main.get_command(app), typer.Context(typer.main.get_command(app))
    words = name.split()
    while words:
        assert isinstance(command, TyperGroup), name
        _, command, words = command.resolve_command(context, words)
    return command


def leaves(command: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    if not isinstance(command, TyperGroup):
        yield name, command
        return
    for word in command.commands:
        yield from leaves(command_of(f"{name} {word}"), f"{name} {word}".strip())


def options_of(command: Any) -> dict[str, Any]:
    return {name: option for option in command.params for name in option.opts}


def test_the_root_has_groups_everyday_commands_and_those_of_containers() -> None:
    assert set(command_of("").commands) == GROUPS | EVERY_DAY | IN_CONTAINERS


@pytest.mark.parametrize(("before", "now"), BEFORE.items(), ids=BEFORE)
def test_every_old_name_leads_to_its_new_command(before: str, now: str, capsys: pytest.CaptureFixture[str]) -> None:
    known, new = command_of(before), command_of(now)
    assert not isinstance(new, TyperGroup)
    assert known.help == new.help
    assert [option.opts for option in known.params] == [option.opts for option in new.params]
    hints = capsys.readouterr().err.splitlines()
    if before.split()[0] in GROUPS | EVERY_DAY | IN_CONTAINERS:
        assert hints == []
    else:
        [hint] = hints
        assert hint.startswith(f"hint: `fortress {before.split()[0]}")
        assert f"is now `fortress {now.split()[0]}" in hint


def test_each_old_name_is_in_the_table_of_this_test() -> None:
    assert {" ".join(name) for name in OLD} <= {" ".join(name.split()[:length]) for name in BEFORE for length in (1, 2)}


def test_a_hint_goes_to_standard_error_once_and_the_command_works() -> None:
    result = CliRunner().invoke(app, ["synth", "--list", "--json"])
    assert "customers" in json.loads(result.stdout)
    assert (
        result.stderr
        == "hint: `fortress synth` is now `fortress data generate`; the old name goes in the next release\n"
    )


def test_env_and_directory_mean_the_same_for_every_command_that_has_them() -> None:
    seen: dict[str, set[tuple[Any, ...]]] = {"--env": set(), "--directory": set(), "--json": set()}
    for _, command in leaves(command_of("")):
        for option, meanings in seen.items():
            if option in (options := options_of(command)):
                meanings.add((options[option].help, options[option].default, options[option].metavar))
    assert [len(meanings) for meanings in seen.values()] == [1, 1, 1], seen


def test_every_command_on_shards_takes_the_same_two_options() -> None:
    groups = ("ledger ", "shards ", "privacy ", "events ", "app migrate ")
    commands = {name: command for name, command in leaves(command_of("")) if name.startswith(groups)}
    without = {name for name, command in commands.items() if not {"--env", "--directory"} <= set(options_of(command))}
    assert len(commands) > 25
    assert without == {"privacy keys create", "privacy keys rotate"}  # files of this machine


def test_verbose_is_taken_before_and_after_a_command(capfd: pytest.CaptureFixture[str]) -> None:
    for arguments in (["--verbose", "data", "generate"], ["data", "generate", "--verbose"], ["synth", "--verbose"]):
        assert "Traceback" in errors_of(arguments, capfd)
    plain = errors_of(["data", "generate"], capfd)
    assert plain.startswith("error: --schema is missing")
    assert "Traceback" not in plain


def errors_of(arguments: list[str], capfd: pytest.CaptureFixture[str]) -> str:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["fortress", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
    assert ended.value.code == 1
    return capfd.readouterr().err


@pytest.mark.parametrize("name", ["psql", "dev psql"])
def test_psql_gets_every_argument_after_the_database(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    passed: list[object] = []
    monkeypatch.setattr("cli.dev.psql.run_psql", lambda where, arguments: passed.append((where, arguments)))
    words = ["--verbose", "-h", "elsewhere", "--version", "--", "-c", "select 1", "--help"]
    assert CliRunner().invoke(app, [*name.split(), "aws-0", *words]).exit_code == 0
    assert passed == [("aws-0", words)]


@pytest.mark.parametrize("option", ["-h", "--help"])
@pytest.mark.parametrize("name", ["", "env", "ledger grant", "credits grant", "app migrate up"])
def test_help_has_a_short_option_everywhere(name: str, option: str) -> None:
    result = CliRunner().invoke(app, [*name.split(), option])
    assert result.exit_code == 0
    assert "Usage:" in result.output


def test_help_is_grouped() -> None:
    shown = CliRunner().invoke(app, ["--help"]).output
    panels = ["Every day", "Environments", "The app and its data", "Data for tests and decoys", "Global options"]
    assert [panel for panel in panels if f" {panel} ─" not in shown] == []


def test_the_version_is_the_images_else_the_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FORTRESS_VERSION", raising=False)
    assert CliRunner().invoke(app, ["--version"]).output.startswith("fortress 0.")
    monkeypatch.setenv("FORTRESS_VERSION", "7.8.9")
    assert CliRunner().invoke(app, ["--version"]).output == "fortress 7.8.9\n"


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("fortress led", {"ledger"}),
        ("fortress env ref", {"refresh"}),
        ("fortress credits sp", {"spend"}),
        ("fortress up --env sta", {"staging"}),
    ],
)
def test_bash_completes_commands_and_environments(line: str, expected: set[str]) -> None:
    variables = {"_FORTRESS_COMPLETE": "complete_bash", "COMP_WORDS": line, "COMP_CWORD": str(len(line.split()) - 1)}
    result = subprocess.run([FORTRESS], env={"PATH": "/usr/bin:/bin", **variables}, text=True, capture_output=True)
    assert set(result.stdout.split()) == expected
    assert result.stderr == ""


def test_the_script_that_bash_sources_names_the_command() -> None:
    variables = {"PATH": "/usr/bin:/bin", "_FORTRESS_COMPLETE": "source_bash"}
    shown = subprocess.run([FORTRESS], env=variables, text=True, capture_output=True, check=True).stdout
    assert "complete -o default -F" in shown
    subprocess.run(["bash", "-n"], input=shown, text=True, check=True)


def test_help_imports_declarations_only() -> None:
    """An imported module costs the same on every machine; seconds do not."""
    names = [name for name, _ in leaves(command_of(""))]
    loaded = modules_after([[*name.split(), "--help"] for name in names])
    packages = {name.partition(".")[0] for name in loaded - DECLARATIONS} - sys.stdlib_module_names
    assert len(names) > 60
    assert loaded > DECLARATIONS
    assert {name for name in packages if not name.startswith("_")} <= LIBRARIES_OF_HELP


@pytest.mark.parametrize(
    ("arguments", "groups"), [(["--help"], set()), (["up", "--help"], {"env"}), (["ledger", "grant", "-h"], {"ledger"})]
)
def test_a_command_imports_its_own_group_only(arguments: list[str], groups: set[str]) -> None:
    loaded = modules_after([arguments])
    assert {group for group in GROUPS if f"cli.{group}.commands" in loaded} == groups


def modules_after(runs: list[list[str]]) -> set[str]:
    """Return the modules that a new process imports to run these commands, each of which shows help."""
    code = "import contextlib, io, json, sys\nbefore = set(sys.modules)\nfrom cli.main import app\n"
    code += f"for arguments in {runs!r}:\n    shown = io.StringIO()\n"
    code += "    with contextlib.redirect_stdout(shown): app(arguments, standalone_mode=False)\n"
    code += "    assert 'Usage:' in shown.getvalue(), arguments\n"
    code += "print(json.dumps(sorted(set(sys.modules) - before)))"
    result = subprocess.run([sys.executable, "-c", code], text=True, capture_output=True)
    assert result.returncode == 0, result.stderr
    return set(json.loads(result.stdout))


def test_the_list_of_commands_repeats_their_own_help() -> None:
    for name, entry in ENTRIES.items():
        assert command_of(name).help.partition("\n")[0] == entry.summary, name
    assert set(ENTRIES) == GROUPS | EVERY_DAY | IN_CONTAINERS


@pytest.mark.parametrize("command", ["status", "token", "psql"])
def test_commands_for_this_machine_refuse_other_environments(command: str, capfd: pytest.CaptureFixture[str]) -> None:
    name = ["aws-0"] if command == "psql" else []
    [line] = errors_of([command, "--env", "production", *name], capfd).splitlines()
    assert line.startswith(f"error: {command} works on the local environment, not on production: ")


class TestTarget:
    """The choice of the shards that a command works on."""

    @pytest.fixture
    def files(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Path]:
        """Return two directory files; no local environment is up."""
        for name in ("FORTRESS_DIRECTORY", "FORTRESS_ENVIRONMENT", "FORTRESS_CLOUD"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("LOCALCLOUD_HOME", str(tmp_path / "nowhere"))
        files = {}
        for name in ("aws-0", "gcp-0"):
            files[name] = tmp_path / f"{name}.json"
            files[name].write_text(json.dumps({"slots": 4096, "shards": [describe_shard(name)]}))
        return files

    def test_a_named_file_counts_before_the_variable(
        self, files: dict[str, Path], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("FORTRESS_DIRECTORY", str(files["gcp-0"]))
        assert [shard.name for shard in find_target(None, files["aws-0"]).directory.shards] == ["aws-0"]
        assert [shard.name for shard in find_target(None, None).directory.shards] == ["gcp-0"]

    def test_the_variable_must_be_about_the_environment_that_is_named(
        self, files: dict[str, Path], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("FORTRESS_DIRECTORY", str(files["gcp-0"]))
        assert find_target("production", None).file == files["gcp-0"]
        monkeypatch.setenv("FORTRESS_ENVIRONMENT", "staging")
        assert find_target("staging", None).file == files["gcp-0"]
        with pytest.raises(NoShards, match="lists the shards of staging, not of production"):
            find_target("production", None)
        with pytest.raises(NoShards, match="bring the local environment up"):
            find_target("local", None)

    @pytest.mark.parametrize(
        ("env", "line"),
        [(None, "name a directory file"), ("local", "make up"), ("dev", "does not know the shards of dev")],
    )
    def test_without_any_shards_it_says_what_to_do(self, files: dict[str, Path], env: str | None, line: str) -> None:
        with pytest.raises(NoShards, match=line):
            find_target(env, None)


def describe_shard(name: str) -> dict[str, Any]:
    return {
        "name": name,
        "home": name.partition("-")[0],
        "region": "eu-central-1",
        "host": "localhost",
        "database": "ledger",
        "slots": [[0, 4095]],
        "app": {"user": "ledger", "login": "aws-iam", "principal": "7c1d2a6e-0000-4000-8000-000000000001"},
        "admin": {"user": "migrator", "login": "aws-secret"},
        "replicas": [],
    }


def test_show_prints_json_for_programs_and_a_line_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    for as_json in (True, False):
        show({"moved": 3}, "3 slots moved", as_json=as_json)
    assert capsys.readouterr().out == '{"moved": 3}\n3 slots moved\n'
