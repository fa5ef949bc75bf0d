"""An emulator's own process, spoken to as the engine does; and a project whose engine finds the emulators on PATH."""

from __future__ import annotations

import json
import re
import subprocess
import textwrap
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf.empty_pb2 import Empty

from localcloud.provider.process import listen
from localcloud.provider.proto import engine_pb2, engine_pb2_grpc, provider_pb2, provider_pb2_grpc
from localcloud.provider.servicer import ProviderEmulator
from localcloud.provider.wire import from_struct, to_struct
from localcloud.sandbox import CHECKOUT, Sandbox
from tools.engine import locate

BIN = CHECKOUT / "localcloud" / "bin"
LONG_ENOUGH = 120
PROVIDERS: Mapping[str, Mapping[str, Any]] = {
    "aws": {"region": "eu-central-1", "allowedAccountIds": '["000000000000"]'},
    "azure-native": {"subscriptionId": "00000000-0000-0000-0000-000000000000", "location": "germanywestcentral"},
    "gcp": {"project": "living-fortress-local", "region": "europe-west3"},
    "kubernetes": {
        "kubeconfig": json.dumps(
            {
                "clusters": [{"name": "one", "cluster": {"server": "https://one.local.localcloud.invalid"}}],
                "contexts": [{"name": "one", "context": {"cluster": "one"}}],
                "current-context": "one",
            }
        )
    },
}
"""Settings of a provider instance that simulates the local sandbox."""

SUMMARY = re.compile(r"^ +(?:[+~-]+ ?)?(\d+) ([a-z ]+)$", re.MULTILINE)
THINGS = '''
import json
import pulumi

PROVIDERS = json.loads(r"""{providers}""")


def provider(package, **settings):
    return pulumi.ProviderResource(package, package, PROVIDERS[package] | settings)


class Thing(pulumi.CustomResource):
    """A resource of any type, with the named outputs as attributes."""

    def __init__(self, token, name, inputs, provider=None, outputs=(), **options):
        options = pulumi.ResourceOptions(provider=provider, **options)
        super().__init__(token, name, dict.fromkeys(outputs) | inputs, options)
'''


@dataclass
class Plugin:
    """An emulator, spoken to over gRPC."""

    stub: Any
    package: str
    stack: str = "test"

    def urn(self, token: str, name: str) -> str:
        return f"urn:pulumi:{self.stack}::project::{token}::{name}"

    def configure(self, **settings: Any) -> None:
        given = PROVIDERS[self.package] | settings
        self.stub.Configure(provider_pb2.ConfigureRequest(args=to_struct(given), acceptSecrets=True))

    def check(
        self, token: str, name: str, inputs: Mapping[str, Any], old: Mapping[str, Any] | None = None, seed: bytes = b"1"
    ) -> tuple[dict[str, Any], list[tuple[str, str]]]:
        """The inputs as the provider takes them, and its objections."""
        request = provider_pb2.CheckRequest(
            urn=self.urn(token, name),
            news=to_struct(inputs),
            olds=to_struct(old or {}),
            randomSeed=seed,
        )
        answer = self.stub.Check(request)
        return from_struct(answer.inputs), [(failure.property, failure.reason) for failure in answer.failures]

    def diff(self, token: str, name: str, identity: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Any:
        return self.stub.Diff(
            provider_pb2.DiffRequest(
                id=identity,
                urn=self.urn(token, name),
                olds=to_struct(old),
                old_inputs=to_struct(old),
                news=to_struct(new),
            )
        )

    def create(
        self, token: str, name: str, inputs: Mapping[str, Any], *, preview: bool = False
    ) -> tuple[str, dict[str, Any]]:
        request = provider_pb2.CreateRequest(urn=self.urn(token, name), properties=to_struct(inputs), preview=preview)
        answer = self.stub.Create(request)
        return answer.id, from_struct(answer.properties)

    def read(
        self,
        token: str,
        name: str,
        identity: str,
        inputs: Mapping[str, Any] | None = None,
        state: Mapping[str, Any] | None = None,
    ) -> tuple[str, dict[str, Any], dict[str, Any]]:
        """Id (empty where it is gone), inputs and state."""
        request = provider_pb2.ReadRequest(
            id=identity, urn=self.urn(token, name), inputs=to_struct(inputs or {}), properties=to_struct(state or {})
        )
        answer = self.stub.Read(request)
        return answer.id, from_struct(answer.inputs), from_struct(answer.properties)

    def update(
        self,
        token: str,
        name: str,
        identity: str,
        state: Mapping[str, Any],
        old: Mapping[str, Any],
        new: Mapping[str, Any],
        *,
        preview: bool = False,
    ) -> dict[str, Any]:
        request = provider_pb2.UpdateRequest(
            id=identity,
            urn=self.urn(token, name),
            olds=to_struct(state),
            old_inputs=to_struct(old),
            news=to_struct(new),
            preview=preview,
        )
        return from_struct(self.stub.Update(request).properties)

    def delete(self, token: str, name: str, identity: str, state: Mapping[str, Any] | None = None) -> None:
        request = provider_pb2.DeleteRequest(id=identity, urn=self.urn(token, name), properties=to_struct(state or {}))
        self.stub.Delete(request)

    def invoke(self, token: str, **arguments: Any) -> dict[str, Any]:
        answer = self.stub.Invoke(provider_pb2.InvokeRequest(tok=token, args=to_struct(arguments)))
        return from_struct(getattr(answer, "return"))


Plugins = Callable[..., Plugin]


@pytest.fixture
def plugin(sandbox: Sandbox) -> Iterator[Plugins]:
    """Emulators of a package, configured for the local sandbox unless told otherwise."""
    servers: list[Any] = []

    def start(
        package: str, *, configured: bool = True, stack: str = "test", engine: str = "", **settings: Any
    ) -> Plugin:
        server, port = listen(ProviderEmulator(package, sandbox, engine))
        servers.append(server)
        channel = grpc.insecure_channel(f"127.0.0.1:{port}")
        started = Plugin(provider_pb2_grpc.ResourceProviderStub(channel), package, stack)
        if configured:
            started.configure(**settings)
        return started

    yield start
    for server in servers:
        server.stop(None).wait()


class HeardLog(engine_pb2_grpc.EngineServicer):
    """An engine that only listens to what providers have to say."""

    address = ""

    def __init__(self) -> None:
        self.heard: list[tuple[str, str]] = []
        """URN and text of each warning."""

    def Log(self, request: Any, context: Any) -> Empty:  # noqa: N802
        assert request.severity == engine_pb2.WARNING
        self.heard.append((request.urn, request.message))
        return Empty()


@pytest.fixture
def engine_log() -> Iterator[HeardLog]:
    server = grpc.server(ThreadPoolExecutor(2))
    log = HeardLog()
    engine_pb2_grpc.add_EngineServicer_to_server(log, server)
    log.address = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    server.start()
    yield log
    server.stop(None).wait()


class Project:
    """A Pulumi program whose providers are the emulators, with a backend of its own."""

    def __init__(self, folder: Path, sandbox: Sandbox) -> None:
        self.folder = folder / "project"
        self.sandbox = sandbox
        for name in ("project", "state", "pulumi"):
            (folder / name).mkdir(parents=True)
        ready = locate().environment()
        self.environment = ready | {
            "PATH": f"{BIN}:{ready['PATH']}",
            "LOCALCLOUD_HOME": str(sandbox.root),
            "PULUMI_BACKEND_URL": f"file://{folder / 'state'}",
            "PULUMI_CONFIG_PASSPHRASE": "only for this test",
            "PULUMI_HOME": str(folder / "pulumi"),
        }
        (self.folder / "Pulumi.yaml").write_text("name: project\nruntime: python\n")
        providers = json.dumps({package: dict(settings) for package, settings in PROVIDERS.items()})
        (self.folder / "things.py").write_text(THINGS.replace("{providers}", providers))
        self.ok("stack", "init", "test")

    def program(self, text: str) -> None:
        """What the stack is made of; `provider` and `Thing` are at hand."""
        head = "import pulumi\nfrom things import Thing, provider\n"
        (self.folder / "__main__.py").write_text(head + textwrap.dedent(text))

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            ["pulumi", "--non-interactive", "--color=never", *arguments],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, *arguments: str) -> tuple[int, str]:
        """Exit code and everything `pulumi` says."""
        with self.start(*arguments) as process:
            output, _ = process.communicate(timeout=LONG_ENOUGH)
        return process.returncode, output

    def ok(self, *arguments: str) -> str:
        code, output = self.run(*arguments)
        assert code == 0, output
        return output

    def up(self, *arguments: str) -> dict[str, int]:
        """Bring the stack up; how many resources were created, updated, replaced, unchanged and so on."""
        return summary(self.ok("up", "--yes", "--skip-preview", *arguments))

    def resources(self) -> dict[str, dict[str, Any]]:
        """The resources in the stack's state, by name."""
        state = json.loads(self.ok("stack", "export"))
        return {each["urn"].rpartition("::")[2]: each for each in state["deployment"].get("resources", [])}


def summary(output: str) -> dict[str, int]:
    """The counts at the end of an operation."""
    _, _, tail = output.rpartition("Resources:\n")
    return {what.strip(): int(count) for count, what in SUMMARY.findall(tail)}


@pytest.fixture
def project(tmp_path: Path, sandbox: Sandbox) -> Project:
    return Project(tmp_path, sandbox)


@pytest.fixture
def twin(tmp_path: Path, sandbox: Sandbox) -> Project:
    """Another checkout of the same project, in the same sandbox."""
    return Project(tmp_path / "twin", sandbox)
