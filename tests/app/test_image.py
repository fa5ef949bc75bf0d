"""The image of the app: what its Dockerfile promises, and that what it installs is enough."""

from __future__ import annotations

import ast
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
DOCKERFILE = CHECKOUT / "app" / "Dockerfile"
UNPRIVILEGED = "10001:10001"
REPORTING = "fidelity"
"""The part of the app that nothing in a cluster runs; what it alone needs is not in the image."""


@dataclass(frozen=True)
class Instruction:
    """One instruction of a Dockerfile, with its here-document if it has one."""

    name: str
    value: str
    document: str = ""


def stages() -> list[list[Instruction]]:
    lines = iter(DOCKERFILE.read_text().splitlines())
    found: list[list[Instruction]] = [[]]
    for line in lines:
        if not line.strip() or line.startswith("#"):
            continue
        while line.endswith("\\"):
            line = line[:-1] + next(lines).strip()
        name, _, value = line.partition(" ")
        document = []
        if marker := re.search(r'<<"?(\w+)"?', value):
            while (text := next(lines)) != marker[1]:
                document.append(text)
        if name == "FROM":
            found.append([])
        found[-1].append(Instruction(name, value, "\n".join(document)))
    return found[1:]


def values(stage: list[Instruction], name: str) -> list[str]:
    return [instruction.value for instruction in stage if instruction.name == name]


def test_only_the_last_stage_is_shipped_and_it_runs_nothing_while_it_is_built() -> None:
    *builders, shipped = stages()
    assert len(builders) == 1
    assert values(shipped, "RUN") == []
    assert values(shipped, "COPY") == ["--from=packages /opt/fortress /opt/fortress"]


def test_it_runs_as_a_numbered_user_without_rights() -> None:
    assert values(stages()[-1], "USER") == [UNPRIVILEGED]


def test_no_shell_stands_between_the_cluster_and_the_app() -> None:
    shipped = stages()[-1]
    assert json.loads(values(shipped, "ENTRYPOINT")[0]) == ["fortress"]
    assert json.loads(values(shipped, "CMD")[0]) == ["serve"]
    assert values(shipped, "STOPSIGNAL") == ["SIGTERM"]
    assert values(shipped, "HEALTHCHECK") == []


def test_packages_are_those_that_were_locked() -> None:
    [install] = [words for run in values(stages()[0], "RUN") if "install" in (words := words_of(run))]
    assert {"--require-hashes", "--no-deps", ":all:", "/tmp/app.txt"} <= set(install)
    locked = (CHECKOUT / "requirements" / "app.txt").read_text()
    for heavy in ("pulumi", "celerp", "envoy", "pytest"):
        assert not re.search(rf"^{heavy}", locked, re.MULTILINE)


def test_all_that_the_app_imports_is_installed() -> None:
    locked = set(re.findall(r"^([a-z0-9-]+)==", (CHECKOUT / "requirements" / "app.txt").read_text(), re.MULTILINE))
    providers = packages_distributions()
    files = [*(CHECKOUT / "app").rglob("*.py")]
    assert len(files) > 100
    for file in files:
        if REPORTING in file.relative_to(CHECKOUT).parts:
            continue
        for package in imported(ast.parse(file.read_text())) - sys.stdlib_module_names - {"app"}:
            found = {name.lower().replace("_", "-").replace(".", "-") for name in providers[package]}
            assert found & locked, f"{file.relative_to(CHECKOUT)} imports {package}, which the image has not"


def imported(tree: ast.Module) -> set[str]:
    """The packages that a module imports, wherever in it."""

    def names() -> Iterator[str]:
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                yield node.module

    return {name.partition(".")[0] for name in names()}


def words_of(run: str) -> list[str]:
    words: list[str] = json.loads(run) if run.startswith("[") else run.split()
    return words


def test_nothing_secret_or_needless_reaches_the_build() -> None:
    ignored = (CHECKOUT / "app" / "Dockerfile.dockerignore").read_text().splitlines()
    assert ignored[0] == "*"
    assert [line for line in ignored if line.startswith("!")] == ["!requirements/app.txt", "!app", "!cli"]


def test_the_python_of_the_image_is_the_one_that_is_tested() -> None:
    paths = [value for value in values(stages()[0], "COPY") if "site-packages" in value]
    [version] = {match[1] for path in paths if (match := re.search(r"/lib/python([\d.]+)/", path))}
    assert f"python:{version}-slim" in DOCKERFILE.read_text()
    workflow = CHECKOUT / ".github" / "workflows" / "ci.yml"
    assert f'python-version: "{version}"' in workflow.read_text()


@pytest.mark.full
def test_what_the_image_holds_is_enough(tmp_path: Path) -> None:
    """Does what the build would do, in a folder instead of an image."""
    root = tmp_path / "fortress"
    for step in stages()[0]:
        replay(step, root)
    result = run([str(root / "bin" / "fortress"), "serve", "--help"])
    assert "Serve the app over HTTP" in result.stdout
    result = run([str(root / "bin" / "fortress"), "serve"], status=1)
    assert "FORTRESS_CLOUD is not set" in result.stderr
    imports = "import app.server, app.provisioning.migrate, botocore, azure.identity, google.auth, pip"
    result = run([str(root / "bin" / "python"), "-c", imports], status=1)
    assert "No module named 'pip'" in result.stderr
    result = run([str(root / "bin" / "fortress"), "token"], status=1)
    assert "not part of this installation" in result.stderr


def replay(step: Instruction, root: Path) -> None:
    here = f"/lib/python{sys.version_info.major}.{sys.version_info.minor}/"
    value = re.sub(r"/lib/python[\d.]+/", here, step.value).replace("/opt/fortress", str(root))
    if step.name == "RUN":
        run(words_of(value.replace("/tmp/app.txt", str(CHECKOUT / "requirements" / "app.txt"))))
    elif step.document:
        program = root / "bin" / "fortress"
        program.write_text(step.document.replace("/opt/fortress", str(root)))
        program.chmod(0o755)
    elif step.name == "COPY" and "site-packages" in value:
        name, target = value.split()
        shutil.copytree(CHECKOUT / name, target, ignore=shutil.ignore_patterns("__pycache__", "Dockerfile*"))


def run(command: list[str], status: int = 0) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, *command[1:]] if command[0] == "python" else command
    result = subprocess.run(command, env={"PATH": "/usr/bin:/bin"}, capture_output=True, text=True, check=False)
    assert result.returncode == status, result.stdout + result.stderr
    return result
