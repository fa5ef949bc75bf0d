"""No wrong shape passes: generated inputs of several hundred types, each with one thing made wrong.

Every promise is proved twice: of the contract itself, and of a provider process asked by gRPC as the engine asks it.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import grpc
import pytest
from google.protobuf.json_format import ParseDict
from google.protobuf.struct_pb2 import Struct

from localcloud import contract
from localcloud.contract import AssetValue
from localcloud.provider.proto import provider_pb2, provider_pb2_grpc

pytestmark = pytest.mark.slow

Check = Callable[[str, Mapping[str, Any]], dict[str, str]]
"""Token and inputs -> what is wrong with them: path -> message."""

FEWEST_TYPES = 110
"""Of each of the four SDKs, so more than 400 in all."""

FEWEST_OF_A_KIND = {
    "unknown property": 200,
    "foreign scalar": 50,
    "scalar for object": 100,
    "outside the allowed": 20,
    "missing required": 100,
}

SIGNATURE = "4dabf18193072939515e22adb298388d"
ARCHIVE = "0def7320c3a5731c473e5ecbe6d01bc7"
CLUSTER = """
current-context: one
contexts: [{name: one, context: {cluster: one}}]
clusters: [{name: one, cluster: {server: https://one.local.localcloud.invalid}}]
"""
SETTINGS: Mapping[str, dict[str, Any]] = {
    "aws": {"region": "eu-central-1", "allowedAccountIds": '["000000000000"]'},
    "azure-native": {"subscriptionId": "00000000-0000-0000-0000-000000000000"},
    "gcp": {"project": "living-fortress-local", "region": "europe-west3"},
    "kubernetes": {"kubeconfig": CLUSTER},
}


@pytest.fixture(params=["contract", "provider"])
def check(request: pytest.FixtureRequest, package: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Check]:
    """The contract asked directly, or by gRPC as the engine asks it, of a provider process."""
    if request.param == "contract":
        yield lambda token, inputs: {
            problem.path: problem.message for problem in contract.check(package, token, inputs).problems
        }
        return
    environment = os.environ | {"LOCALCLOUD_HOME": str(tmp_path_factory.mktemp("sandbox"))}
    command = [sys.executable, "-m", "localcloud.provider", package]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        with grpc.insecure_channel(f"127.0.0.1:{int(process.stdout.readline())}") as channel:
            yield asked(provider_pb2_grpc.ResourceProviderStub(channel), package)
        process.terminate()


def asked(stub: Any, package: str) -> Check:
    """Ask a provider process that simulates a local account."""
    stub.Configure(provider_pb2.ConfigureRequest(args=ParseDict(SETTINGS[package], Struct())))

    def answer(token: str, inputs: Mapping[str, Any]) -> dict[str, str]:
        request = provider_pb2.CheckRequest(
            urn=f"urn:pulumi:test::fortress::{token}::ledger",
            news=ParseDict(on_the_wire(inputs), Struct()),
            randomSeed=b"seed",
        )
        return {failure.property: failure.reason for failure in stub.Check(request).failures}

    return answer


def on_the_wire(value: Any) -> Any:
    """Generated inputs as the engine sends them: JSON, with its own objects for files."""
    if isinstance(value, Mapping):
        return {key: on_the_wire(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [on_the_wire(inner) for inner in value]
    return {SIGNATURE: ARCHIVE, "path": "x.zip"} if isinstance(value, AssetValue) else value


def test_valid_inputs_are_accepted(generated: list[Any], check: Check) -> None:
    refused = {one.token: (found, one.inputs) for one in generated if (found := check(one.token, one.inputs))}
    assert not refused


def test_no_mutation_is_accepted(generated: list[Any], check: Check) -> None:
    accepted, misplaced, kinds, types = [], [], Counter[str](), set()
    for one in generated:
        for mutation in one.mutations():
            assert mutation.wrong != mutation.valid
            kinds[mutation.kind] += 1
            types.add(mutation.token)
            found = check(mutation.token, mutation.wrong)
            if not found:
                accepted.append(mutation)
            elif mutation.place not in found:
                misplaced.append((mutation.token, mutation.kind, mutation.place, found))
    assert not accepted
    assert not misplaced
    assert len(types) >= FEWEST_TYPES
    assert not {kind: kinds[kind] for kind, fewest in FEWEST_OF_A_KIND.items() if kinds[kind] < fewest}
