"""Which Python packages a runtime has, and which engine plugins they ask for."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tools.engine.language_host.runtime import PythonRuntime

NO_PLUGIN = frozenset({"pulumi", "pulumi-policy", "pulumi-esc-sdk"})
ENOUGH_SECONDS = 60
LIST_SCRIPT = """
import importlib.metadata, importlib.util, json, pathlib, re, sys
def plugin(name):
    spec = importlib.util.find_spec(name.replace("-", "_"))
    for folder in spec.submodule_search_locations or () if spec else ():
        file = pathlib.Path(folder, "pulumi-plugin.json")
        if file.is_file():
            return json.loads(file.read_text())
found = {}
for distribution in importlib.metadata.distributions():
    name = distribution.metadata["Name"]
    needs = [re.match("[A-Za-z0-9._-]*", need)[0] for need in distribution.requires or () if "extra ==" not in need]
    if name and name not in found:
        asks = plugin(name) if "pulumi" in needs or name.startswith("pulumi") else None
        found[name] = {"version": distribution.version, "needs": needs, "plugin": asks}
json.dump(found, sys.stdout)
"""


class PackagesUnknown(Exception):
    """The interpreter cannot list its packages; the message is its last line of output."""


@dataclass(frozen=True, kw_only=True)
class Package:
    """An installed distribution; the name is normalised."""

    name: str
    version: str
    needs: frozenset[str] = frozenset()
    plugin: Mapping[str, Any] | None = None
    """Content of its pulumi-plugin.json, if it has one."""


@dataclass(frozen=True, kw_only=True)
class Plugin:
    """An engine plugin that a package stands for."""

    name: str
    version: str
    server: str = ""
    parameterization: Mapping[str, Any] | None = None
    extension: Mapping[str, Any] | None = None


def installed(runtime: PythonRuntime) -> list[Package]:
    """All packages of the runtime, sorted by name."""
    listed = json.loads(_output(runtime, LIST_SCRIPT))
    return [
        Package(
            name=_normalised(name),
            version=facts["version"],
            needs=frozenset(_normalised(need) for need in facts["needs"]),
            plugin=facts["plugin"],
        )
        for name, facts in sorted(listed.items())
    ]


def python_version(runtime: PythonRuntime) -> str:
    """For example `3.11.9`."""
    return _output(runtime, "import platform; print(platform.python_version())").strip()


def direct(packages: list[Package]) -> list[Package]:
    """Those that no other installed package needs."""
    needed = {need for package in packages for need in package.needs if need != package.name}
    return [package for package in packages if package.name not in needed]


def plugin_of(package: Package) -> Plugin | None:
    """The plugin a package asks for; None for plain libraries and packages that say they have none."""
    facts = package.plugin
    if facts is None and (not package.name.startswith("pulumi-") or package.name in NO_PLUGIN):
        return None
    facts = facts or {"resource": True}
    version = facts.get("version") or plugin_version(package.version)
    if not facts.get("resource") or not version:
        return None
    return Plugin(
        name=facts.get("name") or package.name.removeprefix("pulumi-"),
        version=version if version.startswith("v") else f"v{version}",
        server=facts.get("server") or "",
        parameterization=facts.get("parameterization"),
        extension=facts.get("extensionParameterization"),
    )


def plugin_version(python_version: str) -> str | None:
    """The semantic version for a Python one (`1.2a3` is `1.2.0-alpha.3`); None where there is no such."""
    found = re.fullmatch(
        r"(?P<release>\d+(?:\.\d+)*)(?:(?P<phase>a|b|rc)(?P<count>\d+))?(?:\.post(?P<post>\d+))?(?:\.dev(?P<dev>\d+))?",
        python_version,
    )
    if not found:
        return None
    numbers = found["release"].split(".")
    version = ".".join(numbers + ["0"] * (3 - len(numbers)))
    if found["phase"]:
        version += f"-{ {'a': 'alpha', 'b': 'beta', 'rc': 'rc'}[found['phase']] }.{found['count']}"
    build = "".join(f"{word}{found[word]}" for word in ("post", "dev") if found[word])
    return f"{version}+{build}" if build else version


def _normalised(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _output(runtime: PythonRuntime, script: str) -> str:
    answer = subprocess.run(
        [runtime.interpreter, "-c", script],
        capture_output=True,
        text=True,
        timeout=ENOUGH_SECONDS,
        env=runtime.environment(os.environ),
        check=False,
    )
    if answer.returncode != 0:
        last = answer.stderr.strip().splitlines()[-1:] or [f"exit code {answer.returncode}"]
        raise PackagesUnknown(f"{runtime.interpreter} cannot tell its packages: {last[0]}")
    return answer.stdout
