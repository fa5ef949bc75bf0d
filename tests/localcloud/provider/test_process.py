"""The provider process: what the engine sees of it, and that it never outlives its engine."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading

import grpc
import pytest
from google.protobuf.empty_pb2 import Empty

from localcloud.contract.sources import version
from localcloud.provider import process
from localcloud.provider.process import PACKAGES, main
from localcloud.provider.proto import provider_pb2_grpc
from localcloud.sandbox import CHECKOUT
from tests.machine import SETTABLE_SIGNALS

BIN = CHECKOUT / "localcloud" / "bin"
PYTHON = {"FORTRESS_PYTHON": sys.executable}


def launch(package: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [BIN / f"pulumi-resource-{package}", "127.0.0.1:1"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | PYTHON,
    )


@pytest.mark.parametrize("package", PACKAGES)
def test_every_launcher_serves_its_package_and_leaves_without_a_word(sandbox, package):
    running = launch(package)
    assert running.stdout is not None
    stub = provider_pb2_grpc.ResourceProviderStub(grpc.insecure_channel(f"127.0.0.1:{int(running.stdout.readline())}"))
    assert stub.GetPluginInfo(Empty()).version == version(package)
    running.send_signal(signal.SIGTERM if package == "aws" else signal.SIGINT)
    output, errors = running.communicate(timeout=10)
    assert (running.returncode, output, errors) == (0, "", "")


def test_the_emulators_are_marked_as_such():
    assert {path.name for path in BIN.iterdir()} == {"EMULATORS", *(f"pulumi-resource-{name}" for name in PACKAGES)}


def test_a_launcher_without_a_python_says_what_to_do(tmp_path):
    copy = tmp_path / "checkout" / "localcloud" / "bin" / "pulumi-resource-aws"
    copy.parent.mkdir(parents=True)
    copy.write_bytes((BIN / copy.name).read_bytes())
    copy.chmod(0o755)
    environment = {key: value for key, value in os.environ.items() if key != "FORTRESS_PYTHON"}
    answer = subprocess.run([copy], capture_output=True, text=True, env=environment, check=False)
    assert answer.returncode == 1
    assert "run `make setup`" in answer.stderr


def test_an_unknown_package_is_refused(capsys):
    assert main(["digitalocean"]) == 2
    assert "aws|azure-native|gcp|kubernetes" in capsys.readouterr().err


def test_an_engine_that_died_takes_its_provider_with_it(monkeypatch):
    monkeypatch.setattr(process, "PARENT_CHECK_SECONDS", 0.01)
    parents = iter([100, 100, 1])
    monkeypatch.setattr(os, "getppid", lambda: next(parents))
    process.wait(threading.Event())
    assert list(parents) == []


def test_children_of_a_provider_ignore_no_signal_that_its_own_run_ignores():
    code = """
import signal, subprocess
from localcloud.provider import process
signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as `nohup` does
process._hand_on_no_ignored_signal()
subprocess.run(["grep", "SigIgn", "/proc/self/status"])
signal.raise_signal(signal.SIGHUP)
print("alive")
"""
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    ignored, alive = answer.stdout.splitlines()
    assert int(ignored.split()[1], 16) & SETTABLE_SIGNALS == 0
    assert alive == "alive"


def test_the_rest_of_the_sdk_is_not_loaded():
    loaded = "import sys, localcloud.provider.process; print('pulumi' in sys.modules, 'pulumi_aws' in sys.modules)"
    answer = subprocess.run([sys.executable, "-c", loaded], capture_output=True, text=True, check=True)
    assert answer.stdout == "False False\n"
