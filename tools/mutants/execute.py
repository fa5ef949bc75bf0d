"""Run tests against one mutant, in a process that dies with it."""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import importlib.util
import multiprocessing
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.context import ForkServerContext
from pathlib import Path
from types import CodeType

from tools.mutants.operators import Mutation, mutate

PRELOADED = ("pytest", "hypothesis", "pydantic", "psycopg", "psycopg_pool", "numpy", "fastapi", "yaml", "structlog")
"""Slow to import, and none of ours: every mutant's process starts with them."""


@dataclass(frozen=True)
class Outcome:
    """The result of a mutant."""

    key: str
    module: str
    line: int
    status: str
    """killed, timeout (which is killed too), survived or untested."""
    tests: int
    seconds: float


def start_server(preloaded: Sequence[str] = PRELOADED) -> ForkServerContext:
    """Return the context whose server has imported what is slow, so that a process costs a fork."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(list(preloaded))
    return context


def execute(
    context: ForkServerContext, checkout: Path, mutation: Mutation, tests: Sequence[str], patience_seconds: float
) -> Outcome:
    """Run the tests against the mutant until one fails; one that takes longer than `patience_seconds` is killed."""

    def judge(status: str, began: float) -> Outcome:
        return Outcome(
            mutation.key, mutation.module, mutation.line, status, len(tests), round(time.monotonic() - began, 2)
        )

    began = time.monotonic()
    if not tests:
        return judge("untested", began)
    process = context.Process(target=_run, args=(str(checkout), mutation, list(tests)))
    process.start()
    process.join(patience_seconds)
    if process.exitcode is None:
        process.kill()
        process.join()
        return judge("timeout", began)
    return judge("killed" if process.exitcode else "survived", began)


def _run(checkout: str, mutation: Mutation, tests: list[str]) -> None:
    os.chdir(checkout)
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nowhere, stream)
    sys.path.insert(0, checkout)
    sys.meta_path.insert(0, _Finder(Path(checkout), mutation))
    import pytest

    options = ["-x", "-q", "-p", "no:cacheprovider", "-p", "no:cov", "-p", "no:xdist", "--hypothesis-seed=0"]
    os._exit(int(pytest.main([*options, *tests])))


class _Finder(importlib.abc.MetaPathFinder):
    """Finds the mutant where its module is imported."""

    def __init__(self, checkout: Path, mutation: Mutation) -> None:
        self.path = checkout / mutation.module
        parts = Path(mutation.module).with_suffix("").parts
        self.name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        self.number = mutation.number

    def find_spec(self, fullname: str, *_: object) -> importlib.machinery.ModuleSpec | None:
        """Return the mutant's spec for its name alone."""
        if fullname != self.name:
            return None
        loader = _Loader(fullname, str(self.path), self.number)
        return importlib.util.spec_from_file_location(fullname, self.path, loader=loader)


class _Loader(importlib.machinery.SourceFileLoader):
    """Compiles the changed tree; no bytecode of it is kept."""

    def __init__(self, name: str, path: str, number: int | None) -> None:
        super().__init__(name, path)
        self.number = number

    def get_code(self, _: str) -> CodeType:
        """Return the code of the module with its one change."""
        tree = mutate(Path(self.path).read_text(), self.number)
        return compile(tree, self.path, "exec")
