"""The objects of one simulated cluster: a JSON file each, in the sandbox's folder."""

from __future__ import annotations

import base64
import contextlib
import json
import re
import shutil
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from localcloud.emulator import EmulatorError, Properties, Resource
from localcloud.identity import Authority
from localcloud.master_key import master_key_of
from localcloud.provider.guard import Refused, cluster_of
from localcloud.sandbox import Sandbox, write_atomically

Manifest = dict[str, Any]
"""An object as Kubernetes writes it: apiVersion, kind, metadata, and what its kind has."""

DEFAULT_NAMESPACE = "default"
BUILT_IN_NAMESPACES = frozenset({DEFAULT_NAMESPACE, "kube-system", "kube-public", "kube-node-lease"})
BUILT_IN_ACCOUNT = "default"
CLUSTER_SCOPE = "_cluster"
"""The folder of objects that belong to no namespace; no namespace can have this name."""
ISSUER_CONFIG = "localcloud-issuer"
"""Every namespace has it, as it has kube-root-ca.crt in a real cluster: the keys of the local token issuer."""
KEY_SECRET = "localcloud-master-key"  # noqa: S105 - a name
"""Every namespace has it: a master key of this sandbox, which stands in for a cloud's key service."""
FOLDER = ".d"
"""Ends the name of the folder that lies beside an object's JSON."""
NAME = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?")


@dataclass(frozen=True)
class Key:
    """What finds an object again: kind, namespace (None for the cluster's own), name."""

    kind: str
    namespace: str | None
    name: str

    @classmethod
    def of(cls, manifest: Manifest) -> Key:
        """The key of a stored or completed object."""
        metadata = manifest["metadata"]
        return cls(manifest["kind"], metadata.get("namespace"), metadata["name"])


@dataclass(frozen=True)
class Cluster:
    """One simulated cluster of a sandbox."""

    sandbox: Sandbox
    name: str

    @classmethod
    def of(cls, sandbox: Sandbox, provider: Properties) -> Cluster:
        """The cluster that the provider's kubeconfig names."""
        try:
            return cls(sandbox, cluster_of(provider.get("kubeconfig")).id)
        except Refused as refused:
            raise EmulatorError(str(refused)) from refused

    @classmethod
    def all(cls, sandbox: Sandbox) -> list[Cluster]:
        """Every cluster that has objects."""
        root = sandbox.root / "kubernetes"
        return [cls(sandbox, path.name) for path in sorted(root.glob("*")) if path.is_dir()]

    @contextlib.contextmanager
    def lock(self, part: str) -> Iterator[None]:
        """Hold one part of the cluster (its gateways, its rollouts) against every other process and thread."""
        with self.sandbox.lock(f"kubernetes-{self.name}-{part}"):
            yield

    # -- objects -----------------------------------------------------------------------------------------------------

    def get(self, kind: str, namespace: str | None, name: str) -> Manifest | None:
        """The object; None where there is none, or none that can be read."""
        return _loaded(self._path(Key(kind, namespace, name)))

    def list(self, kind: str, namespace: str | None = None) -> list[Manifest]:
        """All objects of a kind, of one namespace or of all, by namespace and name."""
        paths = sorted(self._root.glob(f"{namespace or '*'}/{kind}/*.json"))
        return [manifest for manifest in map(_loaded, paths) if manifest]

    def put(self, manifest: Manifest) -> None:
        """Store an object in place of the earlier one."""
        path = self._path(Key.of(manifest))
        self._folder(path.parent)
        write_atomically(path, json.dumps(manifest, indent=1, sort_keys=True) + "\n")

    @contextlib.contextmanager
    def tentatively(self, manifest: Manifest) -> Iterator[None]:
        """Store an object for what follows; where that fails, the cluster has what it had before."""
        key = Key.of(manifest)
        earlier = self.get(key.kind, key.namespace, key.name)
        self.put(manifest)
        try:
            yield
        except BaseException:
            if earlier is None:
                self.remove(key)
            else:
                self.put(earlier)
            raise

    def remove(self, key: Key) -> None:
        """Forget an object with its folder, and the folders that are empty then; nothing happens where it is gone."""
        path = self._path(key)
        path.unlink(missing_ok=True)
        shutil.rmtree(path.with_suffix(FOLDER), ignore_errors=True)
        self._tidy(path.parent)

    def clear(self, namespace: str) -> None:
        """Forget all objects of a namespace."""
        shutil.rmtree(self._root / namespace, ignore_errors=True)
        self._tidy(self._root / namespace)

    def folder(self, key: Key) -> Path:
        """The folder that belongs to an object, for what it has besides its JSON; created private if absent."""
        path = self._path(key).with_suffix(FOLDER)
        return self._folder(path)

    def _folder(self, path: Path) -> Path:
        """A folder that is private at every level."""
        parts = path.relative_to(self.sandbox.root).parts
        return [self.sandbox.folder(*parts[:depth]) for depth in range(1, len(parts) + 1)][-1]

    @property
    def _root(self) -> Path:
        return self.sandbox.root / "kubernetes" / self.name

    def _tidy(self, folder: Path) -> None:
        """Remove the folder if it is empty, and those around it that are empty then."""
        with contextlib.suppress(OSError):
            while folder != self.sandbox.root:
                if folder.exists():
                    folder.rmdir()
                folder = folder.parent

    def _path(self, key: Key) -> Path:
        for text in (key.name, key.namespace or DEFAULT_NAMESPACE):
            if not NAME.fullmatch(text):
                raise EmulatorError(f"{key.kind} name {text!r}: lower case letters, digits, '-' and '.' are allowed")
        return self._root / (key.namespace or CLUSTER_SCOPE) / key.kind / f"{key.name}.json"

    # -- what pods ask for -------------------------------------------------------------------------------------------

    def has_namespace(self, name: str) -> bool:
        """Whether objects may live in it."""
        return name in BUILT_IN_NAMESPACES or self.get("Namespace", None, name) is not None

    def has_service_account(self, namespace: str, name: str) -> bool:
        """Whether pods may run under it; every namespace has `default`."""
        return name == BUILT_IN_ACCOUNT or self.get("ServiceAccount", namespace, name) is not None

    def config_map(self, namespace: str, name: str) -> dict[str, bytes] | None:
        """The contents of a ConfigMap."""
        if name == ISSUER_CONFIG:
            return {"jwks.json": Authority.of(self.sandbox).jwks().encode()}
        return _contents(self.get("ConfigMap", namespace, name), encoded="binaryData", plain="data")

    def secret(self, namespace: str, name: str) -> dict[str, bytes] | None:
        """The contents of a Secret."""
        if name == KEY_SECRET:
            return {"master-key.json": master_key_of(self.sandbox).read_bytes()}
        return _contents(self.get("Secret", namespace, name), encoded="data", plain="stringData")


def completed(resource: Resource, kind: str, *, namespaced: bool, earlier: Manifest | None) -> Manifest:
    """The object of a resource, with the metadata that a cluster adds; `earlier` is the same object before a change."""
    inputs = {key: value for key, value in resource.inputs.items() if key != "status"}
    metadata = dict(inputs.get("metadata") or {})
    metadata["name"] = metadata.get("name") or (earlier["metadata"]["name"] if earlier else _named(resource))
    if namespaced:
        metadata["namespace"] = metadata.get("namespace") or DEFAULT_NAMESPACE
    else:
        metadata.pop("namespace", None)
    born = earlier["metadata"] if earlier else {}
    metadata["uid"] = born.get("uid") or str(uuid.uuid4())
    metadata["creationTimestamp"] = born.get("creationTimestamp") or datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {**inputs, "kind": kind, "metadata": metadata}


def _named(resource: Resource) -> str:
    """The name of an object that was given none; the same on every call, so that a repeated create finds it."""
    return f"{resource.name.lower()}-{uuid.uuid5(uuid.NAMESPACE_URL, resource.urn).hex[:8]}"


def _loaded(path: Path) -> Manifest | None:
    try:
        manifest: Manifest = json.loads(path.read_text())
    except (FileNotFoundError, ValueError):
        return None
    return manifest


def _contents(manifest: Manifest | None, *, encoded: str, plain: str) -> dict[str, bytes] | None:
    if manifest is None:
        return None
    decoded = {key: base64.b64decode(text) for key, text in (manifest.get(encoded) or {}).items()}
    written: Mapping[str, str] = manifest.get(plain) or {}
    return decoded | {key: text.encode() for key, text in written.items()}
