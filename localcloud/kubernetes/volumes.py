"""What lies in a pod's volumes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import PurePosixPath

from localcloud.emulator import EmulatorError, Properties
from localcloud.kubernetes.containers import Contents, Surroundings, contents

Files = Mapping[str, bytes]
"""Relative path -> content."""
Mint = Callable[[str], str]
"""Mints a token of the pod's service account for an audience."""

TOKEN_LIFETIME = timedelta(days=1)
"""A kubelet renews tokens every hour or so; here they are minted when the pod starts, so they last longer."""


def files_of(volume: Properties, around: Surroundings, mint: Mint) -> Files:
    """The files that a volume holds when its pod starts."""
    try:
        return _files(volume, around, mint)
    except EmulatorError as problem:
        raise EmulatorError(f"volume {volume['name']!r}: {problem}") from problem


def mentions(spec: Properties, kind: str, name: str) -> bool:
    """Whether one of the pod's volumes shows the ConfigMap or Secret of that name."""
    sources = [source for volume in spec.get("volumes") or () for source in _sources(volume)]
    if kind == "ConfigMap":
        return any((source.get("configMap") or {}).get("name") == name for source in sources)
    return any(
        name in ((source.get("secret") or {}).get("secretName"), (source.get("secret") or {}).get("name"))
        for source in sources
    )


def _sources(volume: Properties) -> list[Properties]:
    projected = volume.get("projected")
    return [volume] if projected is None else list(projected.get("sources") or ())


def _files(volume: Properties, around: Surroundings, mint: Mint) -> Files:
    if volume.get("emptyDir") is not None:
        return {}
    files: dict[str, bytes] = {}
    for source in _sources(volume):
        files |= _source(source, around, mint)
    return files


def _source(source: Properties, around: Surroundings, mint: Mint) -> Files:
    if source.get("configMap") is not None:
        return _picked("configMap", source["configMap"], around.config_map)
    if source.get("secret") is not None:
        return _picked("secret", source["secret"], around.secret)
    if source.get("downwardAPI") is not None:
        return {
            _inside(item["path"]): around.field(item["fieldRef"]["fieldPath"]).encode()
            for item in source["downwardAPI"].get("items") or ()
        }
    if source.get("serviceAccountToken") is not None:
        token = source["serviceAccountToken"]
        return {_inside(token["path"]): mint(token.get("audience") or "kubernetes").encode()}
    kind = ", ".join(key for key in source if key != "name")
    raise EmulatorError(f"no emulator for {kind}: configMap, secret, emptyDir, downwardAPI or projected")


def _picked(kind: str, source: Properties, look_up: Contents) -> Files:
    found = contents(kind, source, look_up)
    if not source.get("items"):
        return {_inside(key): value for key, value in found.items()}
    absent = [item["key"] for item in source["items"] if item["key"] not in found]
    if absent and not source.get("optional"):
        raise EmulatorError(f"{kind} has no key {absent[0]!r}")
    return {_inside(item["path"]): found[item["key"]] for item in source["items"] if item["key"] in found}


def _inside(path: str) -> str:
    """`path`, which must stay within the volume."""
    if PurePosixPath(path).is_absolute() or ".." in PurePosixPath(path).parts:
        raise EmulatorError(f"the path {path!r} leads out of the volume")
    return path
