"""What keeps the SDK cheap changes nothing of what it does."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from typing import Any

import pulumi
import pytest
from pulumi import log
from pulumi.runtime.rpc_manager import RPCManager
from pulumi.runtime.settings import SETTINGS

from stacks.sdk import drop_debug_messages, settle_outputs


def in_a_new_process(program: str) -> str:
    """Imports must not have happened before; returns what the program prints."""
    prefix = "from stacks.sdk import make_lazy; make_lazy(); import sys\n"
    return subprocess.run([sys.executable, "-c", prefix + program], check=True, text=True, capture_output=True).stdout


@pytest.mark.slow
@pytest.mark.parametrize(
    ("package", "name", "own"),
    [
        ("pulumi_gcp.compute", "HaVpnGateway", "ha_vpn_gateway"),
        ("pulumi_aws.ec2", "VpcEndpoint", "vpc_endpoint"),
        ("pulumi_azure_native.network", "PublicIPAddress", "public_ip_address"),
        ("pulumi_aws.rds", "get_certificate_output", "get_certificate"),
        ("pulumi_gcp.compute", "FirewallAllowArgs", "_inputs"),
        ("pulumi_azure_native.network", "SecurityRuleProtocol", "_enums"),
    ],
)
def test_a_name_comes_from_its_module_without_the_rest_of_the_package(package: str, name: str, own: str) -> None:
    shown = in_a_new_process(
        f"from {package} import {name}\n"
        f"print({name}.__module__, len([m for m in sys.modules if m.startswith('{package}.')]))"
    )
    module, count = shown.split()
    assert module == f"{package}.{own}"
    assert int(count) < 12


def test_a_name_found_nowhere_else_loads_the_whole_package() -> None:
    shown = in_a_new_process(
        "import pulumi_aws.s3 as s3\n"
        "print(len([m for m in sys.modules if m.startswith('pulumi_aws.s3.')]))\n"
        "try:\n    s3.NoSuchThing\nexcept AttributeError as error:\n    print(error)\n"
        "print(len([m for m in sys.modules if m.startswith('pulumi_aws.s3.')]) > 20, s3.Bucket.__name__)"
    )
    before, error, after = shown.splitlines()
    assert before == "0"
    assert "NoSuchThing" in error
    assert after == "True Bucket"


def test_a_submodule_is_still_a_submodule() -> None:
    assert in_a_new_process("from pulumi_kubernetes import core\nprint(core.v1.Namespace.__module__)").strip() == (
        "pulumi_kubernetes.core.v1.Namespace"
    )


@pytest.fixture
def outputs() -> Any:
    """The SDK's own set of pending outputs, empty before and after."""
    kept = set(SETTINGS.outputs)
    SETTINGS.outputs.clear()
    yield SETTINGS.outputs
    SETTINGS.outputs.clear()
    SETTINGS.outputs.update(kept)


async def test_the_call_is_done_when_the_last_output_is(outputs: Any) -> None:
    calls, gate = RPCManager(), asyncio.get_running_loop().create_future()
    last = pulumi.Output.from_input(gate).apply(lambda value: value)
    settle_outputs(calls)
    (call,) = calls.rpcs
    await asyncio.sleep(0)
    assert not call.done()
    gate.set_result(1)
    await call
    assert await last.future() == 1
    assert not outputs


async def test_a_failed_output_is_left_for_the_sdk_to_report(outputs: Any) -> None:
    def fails(_: Any) -> None:
        raise ValueError("a bad day")

    calls = RPCManager()
    failed = pulumi.Output.from_input(1).apply(fails)
    settle_outputs(calls)
    await calls.rpcs[0]
    (left,) = [output for output in outputs if output.done()]
    assert isinstance(left.exception(), ValueError)
    with pytest.raises(ValueError, match="a bad day"):
        await failed.future()


async def test_an_output_that_never_comes_does_not_hide_a_failed_one(outputs: Any) -> None:
    def fails(_: Any) -> None:
        raise ValueError("a bad day")

    calls, never = RPCManager(), asyncio.get_running_loop().create_future()
    pulumi.Output.from_input(never)
    pulumi.Output.from_input(1).apply(fails)
    settle_outputs(calls)
    await asyncio.wait_for(calls.rpcs[0], timeout=10)
    never.cancel()


def test_debug_messages_go_nowhere_unless_they_are_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    original = log.debug
    monkeypatch.setattr(log, "debug", original)
    drop_debug_messages({"FORTRESS_SDK_DEBUG": "1"})
    assert log.debug is original
    drop_debug_messages({})
    assert log.debug is not original
    log.debug("nobody reads this")
