"""Pulumi's protocol messages, without the rest of the SDK.

A provider needs the generated messages alone. Importing them as `pulumi.runtime.proto` runs the whole SDK, which
takes four times as long as everything else an emulator does before it listens; so this package reads them from there.
"""

from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING


def _folder_of_messages() -> str:
    spec = find_spec("pulumi")
    if spec is None or spec.origin is None:
        raise ImportError("the Python package `pulumi` is not installed: run `make setup`")
    return str(Path(spec.origin).parent / "runtime" / "proto")


if TYPE_CHECKING:
    from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc, plugin_pb2, provider_pb2, provider_pb2_grpc
else:
    __path__ = [_folder_of_messages()]
    plugin_pb2 = import_module(f"{__name__}.plugin_pb2")
    provider_pb2 = import_module(f"{__name__}.provider_pb2")
    provider_pb2_grpc = import_module(f"{__name__}.provider_pb2_grpc")


__all__ = ["engine_pb2", "engine_pb2_grpc", "plugin_pb2", "provider_pb2", "provider_pb2_grpc"]
