"""A policy pack between our host and an engine that these tests play: started late, with its stack's configuration."""

from __future__ import annotations

import json
import os
import threading
import time

import grpc
import pytest
from google.protobuf import empty_pb2
from pulumi.runtime.proto import analyzer_pb2, analyzer_pb2_grpc, language_pb2

from tools.engine.language_host.children import Children
from tools.engine.language_host.plugins import PluginRun, PolicyPackRun, kind_of
from tools.engine.language_host.runtime import PythonRuntime

PACK = """
import pulumi
from pulumi_policy import EnforcementLevel, PolicyPack, ResourceValidationPolicy

print("limit", pulumi.Config("tiny").get_int("limit"), "of", pulumi.get_stack(), flush=True)
print("before the pack serves", flush=True)
policy = ResourceValidationPolicy("policy", "Anything goes", lambda args, report: None)
PolicyPack("permissive", enforcement_level=EnforcementLevel.ADVISORY, policies=[policy])
"""


class Engine:
    """The engine's side of one run of a pack: reads its output, calls it."""

    def __init__(self, run: PolicyPackRun) -> None:
        self.run = run
        self.output = ""
        self.exit_code = None
        self._responses = run.responses()
        port = int(next(self._responses).stdout)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self.channel = grpc.insecure_channel(f"127.0.0.1:{port}")
        self.pack = analyzer_pb2_grpc.AnalyzerStub(self.channel)

    def _read(self) -> None:
        for said in self._responses:
            if said.WhichOneof("output") == "exitcode":
                self.exit_code = said.exitcode
            else:
                self.output += (said.stdout + said.stderr).decode()

    def ended(self) -> bool:
        self._reader.join(20)
        return not self._reader.is_alive()


@pytest.fixture
def engine(tmp_path):
    """Starts a pack from its source."""
    children = Children()
    started = []

    def start(source: str) -> Engine:
        (tmp_path / "PulumiPolicy.yaml").write_text("runtime: python\n")
        (tmp_path / "__main__.py").write_text(source)
        request = language_pb2.RunPluginRequest(
            kind="analyzer", args=["127.0.0.1:1"], env=[f"{name}={value}" for name, value in os.environ.items()]
        )
        request.info.root_directory = request.info.program_directory = str(tmp_path)
        started.append(Engine(PolicyPackRun(request, PythonRuntime.of(str(tmp_path), {}), children)))
        return started[-1]

    yield start
    for engine in started:
        engine.run.cancel()
        engine.channel.close()
    children.close()


def configuration(**config: str) -> analyzer_pb2.AnalyzerStackConfigureRequest:
    return analyzer_pb2.AnalyzerStackConfigureRequest(
        organization="organization", project="tiny", stack="test", dry_run=True, config=config
    )


def test_a_pack_starts_with_the_configuration_that_the_engine_says(engine):
    running = engine(PACK)
    running.pack.Handshake(analyzer_pb2.AnalyzerHandshakeRequest(engine_address="127.0.0.1:1"))
    running.pack.ConfigureStack(configuration(**{"tiny:limit": json.dumps(5)}))
    assert running.pack.GetAnalyzerInfo(empty_pb2.Empty(), timeout=60).name == "permissive"
    running.run.cancel()
    assert running.ended()
    assert running.output == "limit 5 of test\nbefore the pack serves\n"


def test_a_pack_that_is_asked_before_any_configuration_starts_without(engine):
    running = engine(PACK.replace("print(", "0 and print("))
    assert running.pack.GetAnalyzerInfo(empty_pb2.Empty(), timeout=60).name == "permissive"


def test_an_error_of_the_pack_reaches_the_engine_as_it_is(engine):
    running = engine(PACK)
    running.pack.ConfigureStack(configuration())
    with pytest.raises(grpc.RpcError) as refused:
        running.pack.Cancel(empty_pb2.Empty(), timeout=60)
    assert refused.value.code() is grpc.StatusCode.UNIMPLEMENTED


def test_calls_do_not_hang_on_a_pack_that_did_not_start(engine):
    running = engine("raise SystemExit('broken from the start')")
    running.pack.ConfigureStack(configuration())
    with pytest.raises(grpc.RpcError) as refused:
        running.pack.GetAnalyzerInfo(empty_pb2.Empty(), timeout=60)
    assert refused.value.code() in {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED}
    assert running.ended()
    assert "broken from the start" in running.output
    assert running.exit_code != 0


def test_a_cancel_before_the_pack_has_started_ends_the_run(engine):
    running = engine(PACK)
    before = time.monotonic()
    running.run.cancel()
    assert running.ended()
    assert running.exit_code is None
    assert time.monotonic() - before < 2


def test_a_pack_that_takes_its_configuration_from_the_call_runs_without_a_proxy():
    asked = language_pb2.RunPluginRequest(kind="analyzer")
    assert kind_of(asked, {}) is PolicyPackRun
    assert kind_of(asked, {"configuredByCall": True}) is PluginRun
    assert kind_of(language_pb2.RunPluginRequest(kind="resource"), {}) is PluginRun
