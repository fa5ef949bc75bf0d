"""The installed SDKs as text: where they lie, what they register, and where in a file a class stands.

Nothing of an SDK is ever imported: their modules are some 400 MB of Python source, of which one resource type needs a
few kilobytes.
"""

from __future__ import annotations

import functools
import importlib.util
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

PACKAGES: Mapping[str, str] = {
    "aws": "pulumi_aws",
    "azure-native": "pulumi_azure_native",
    "gcp": "pulumi_gcp",
    "kubernetes": "pulumi_kubernetes",
}
"""Pulumi package -> Python package of its SDK."""

_NOT_RESOURCES = ("_", "get_", "list_", "outputs")
_NAME = re.compile(rb"\w+")
_REGISTERED = re.compile(r'resource_modules="""\n(.*?)\n"""', re.DOTALL)
_PROVIDERS = re.compile(r'resource_packages="""\n(.*?)\n"""', re.DOTALL)


class NoSuchSdk(Exception):
    """The Python SDK of a package is not installed; names both."""


class Place(NamedTuple):
    """Where the class of a resource type is defined."""

    module: str
    name: str


@functools.cache
def folder(package: str) -> Path:
    """The folder of the package's installed SDK."""
    spec = importlib.util.find_spec(PACKAGES[package]) if package in PACKAGES else None
    if spec is None or spec.origin is None:
        raise NoSuchSdk(f"the Python SDK of package {package!r} is not installed")
    return Path(spec.origin).parent


@functools.cache
def version(package: str) -> str:
    """The version of the package's installed SDK."""
    found: str = json.loads((folder(package) / "pulumi-plugin.json").read_text())["version"]
    return found


@functools.cache
def registered(package: str) -> Mapping[str, Place]:
    """Every type token that the SDK registers, with the place of its class."""
    text = (folder(package) / "__init__.py").read_text(encoding="utf-8")
    places: dict[str, Place] = {}
    for literal in _REGISTERED.findall(text):
        for module in json.loads(literal):
            places |= {token: Place(module["fqn"], name) for token, name in module["classes"].items()}
    for literal in _PROVIDERS.findall(text):
        places |= {entry["token"]: Place(entry["fqn"], entry["class"]) for entry in json.loads(literal)}
    return places


class SourceFile:
    """One module's text, with the byte range of each of its classes."""

    def __init__(self, path: Path, module: str) -> None:
        self.path = path
        self.package = module
        """Dotted name of the package that the module lies in."""
        self._data = path.read_bytes()
        self._ranges = self._index()

    def _index(self) -> dict[str, tuple[int, int]]:
        """Find `class` at the beginning of lines: plain searching is some ten times faster than a pattern here."""
        data, mark = self._data, b"\nclass "
        starts: list[int] = []
        at = data.find(mark)
        while at >= 0:
            starts.append(at + 1)
            at = data.find(mark, at + len(mark))
        ranges: dict[str, tuple[int, int]] = {}
        for start, end in zip(starts, [*starts[1:], len(data)], strict=True):
            name = _NAME.match(data, start + 6)
            if name:
                ranges[name.group().decode()] = (start, end)
        return ranges

    def __contains__(self, name: str) -> bool:
        return name in self._ranges

    def name_of(self, class_name: str) -> str:
        """The full name of a class of this file: `<package>.<module>:<class>`."""
        return f"{self.package}.{self.path.stem}:{class_name}"

    def text_of(self, name: str) -> str:
        """The source of class `name`, up to the next class."""
        start, end = self._ranges[name]
        return self._data[start:end].decode()

    @functools.cached_property
    def head(self) -> str:
        """What stands before the first class: the imports."""
        first = min((start for start, _ in self._ranges.values()), default=len(self._data))
        return self._data[:first].decode()


@functools.cache
def source_file(path: Path, module: str) -> SourceFile | None:
    """The module at `path`, None where there is none."""
    return SourceFile(path, module) if path.is_file() else None


def source_named(name: str) -> tuple[SourceFile, str]:
    """The file and bare name of the class with this full name."""
    module, _, class_name = name.partition(":")
    package, _, stem = module.rpartition(".")
    source = source_file(package_folder(package) / f"{stem}.py", package)
    assert source is not None, f"{name} was found before"
    return source, class_name


def package_folder(module: str) -> Path:
    """The folder of a dotted package inside one of the SDKs."""
    top, *inner = module.split(".")
    package = next(name for name, python in PACKAGES.items() if python == top)
    return folder(package).joinpath(*inner)


def find_class(module: str, name: str) -> SourceFile | None:
    """The file of package `module` that defines the input, enum or resource class `name`."""
    base = package_folder(module)
    for file in ("_inputs.py", "_enums.py"):
        source = source_file(base / file, module)
        if source is not None and name in source:
            return source
    return resource_file(module, name)


def resource_file(module: str, name: str) -> SourceFile | None:
    """The file of package `module` that defines the resource class `name`."""
    base = package_folder(module)
    for file in (f"{snake_case(name)}.py", f"{name}.py"):
        source = source_file(base / file, module)
        if source is not None and name in source:
            return source
    found = _resource_files(module).get(name)
    return source_file(found, module) if found else None


@functools.cache
def _resource_files(module: str) -> Mapping[str, Path]:
    """Class name -> file, for classes whose file is not named after them."""
    files: dict[str, Path] = {}
    base = package_folder(module)
    for path in sorted(base.glob("*.py")):
        if not path.name.startswith(_NOT_RESOURCES):
            for name in re.findall(r"^class (\w+)", path.read_text(encoding="utf-8"), re.MULTILINE):
                files.setdefault(name, path)
    return files


def snake_case(name: str) -> str:
    """The generator's file name of a class."""
    name = re.sub(r"([A-Z]+)([A-Z][a-z])", r"\1_\2", name)
    return re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", name).lower()
