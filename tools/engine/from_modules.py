"""The engine built from its Go modules, for machines that reach package registries only.

The modules hold everything but the Python language host, so this checkout's own takes that place. The built files lie
in the cache; the checkout gets a bin folder of its own, because the engine looks for the language host beside itself
and that host runs on this checkout's interpreter.
"""

from __future__ import annotations

import filecmp
import os
import shlex
import shutil
from pathlib import Path

from tools.engine import version
from tools.engine.engine import Engine, Origin, checkout_python
from tools.gobuild import Cache, Entry, Program

SDK = "github.com/pulumi/pulumi/sdk/v3"
EXECUTOR = "pulumi-language-python-exec"
HOST_PROGRAM = Path(__file__).resolve().parent / "language_host" / "__main__.py"
LANGUAGE_HOST = """\
#!/bin/sh
# Isolated (-I): no variable and no file of the program's folder decides which modules this host runs on.
exec {python} -I {host} --executor "${{0%/*}}/pulumi-language-python-exec" "$@"
"""
DYNAMIC_PROVIDERS = """\
#!/bin/sh
# Dynamic providers run on the program's own interpreter, as the `virtualenv` option in Pulumi.yaml names it.
case "${{PULUMI_RUNTIME_VIRTUALENV:-}}" in
  "") python={python} ;;
  /*) python="$PULUMI_RUNTIME_VIRTUALENV/bin/python" ;;
  *) python="$PWD/$PULUMI_RUNTIME_VIRTUALENV/bin/python" ;;
esac
[ -x "$python" ] || python={python}
exec "$python" -u -m pulumi.dynamic "$@"
"""


def program() -> Program:
    """The build: what is compiled and which files of the SDK module lie beside it."""
    return Program(
        name="pulumi",
        modules=version.MODULES,
        package="github.com/pulumi/pulumi/pkg/v3/cmd/pulumi",
        linker_flags=f"-s -w -X {SDK}/go/common/version.Version=v{version.pinned()}",
        companions=((SDK, f"python/cmd/{EXECUTOR}"),),
    )


def cached(folder: Path) -> Engine | None:
    """The engine of an earlier build, if it is still whole."""
    build = program()
    entry = Entry(_cache().folder / _key(build))
    return _assembled(entry, folder) if entry.is_whole() else None


def install(folder: Path) -> Engine:
    """Build the engine, or wait for the process that builds it, and give the checkout its bin folder."""
    build = program()
    return _assembled(build.obtain(_cache(), _key(build)), folder)


def _assembled(entry: Entry, folder: Path) -> Engine:
    target = folder / "bin"
    target.mkdir(parents=True, exist_ok=True)
    for built in (entry.folder / "bin").iterdir():
        _place(built, target / built.name)
    python = shlex.quote(str(checkout_python()))
    _write_script(
        target / "pulumi-language-python", LANGUAGE_HOST.format(python=python, host=shlex.quote(str(HOST_PROGRAM)))
    )
    _write_script(target / "pulumi-resource-pulumi-python", DYNAMIC_PROVIDERS.format(python=python))
    return Engine(bin=target, version=version.pinned(), origin=Origin.MODULES)


def _place(built: Path, target: Path) -> None:
    """The same file under a second name, or a copy where file systems differ; a running engine keeps its file."""
    if target.exists() and (target.samefile(built) or filecmp.cmp(built, target, shallow=False)):
        return
    draft = target.with_name(f".{target.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)
    try:
        draft.hardlink_to(built)
    except OSError:
        shutil.copy2(built, draft)
    draft.replace(target)


def _write_script(target: Path, text: str) -> None:
    draft = target.with_name(f".{target.name}.{os.getpid()}")
    draft.write_text(text)
    draft.chmod(0o755)
    draft.replace(target)


def _cache() -> Cache:
    return Cache.of("engine")


def _key(build: Program) -> str:
    return f"{version.pinned()}-{build.fingerprint}"
