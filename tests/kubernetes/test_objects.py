"""Objects as resources: where they are stored, how they are found again, what leaves when they go."""

from __future__ import annotations

import base64
import json
import stat
from typing import Any

import jwt
import pytest

from app.personal_data.key_file import FileMasterKey
from localcloud.emulator import EmulatorError, Resource, emulator_for
from localcloud.identity import Authority
from localcloud.kubernetes.cluster import Cluster
from localcloud.master_key import master_key_of
from localcloud.sandbox import Sandbox

CONFIG_MAP = "kubernetes:core/v1:ConfigMap"


def resource(inputs: dict[str, Any], server: str = "aws.local.localcloud.invalid", name: str = "Settings") -> Resource:
    kubeconfig = {"clusters": [{"name": "c", "cluster": {"server": f"https://{server}"}}]}
    return Resource("urn:x", CONFIG_MAP, name, inputs, {"kubeconfig": json.dumps(kubeconfig)})


def test_an_object_is_a_private_file_of_its_cluster(sandbox: Sandbox) -> None:
    made = emulator_for(CONFIG_MAP).create(
        sandbox, resource({"metadata": {"name": "a", "namespace": "n"}, "data": {"k": "v"}})
    )
    file = sandbox.root / "kubernetes/aws/n/ConfigMap/a.json"
    assert made.id == "aws/n/a"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert json.loads(file.read_text())["data"] == {"k": "v"}


def test_a_repeated_create_finds_its_own_earlier_work(sandbox: Sandbox) -> None:
    emulator = emulator_for(CONFIG_MAP)
    first = emulator.create(sandbox, resource({"data": {}}))
    second = emulator.create(sandbox, resource({"data": {}}))
    assert first == second
    assert first.id.startswith("aws/default/settings-")


def test_an_object_without_a_name_keeps_the_one_it_got(sandbox: Sandbox) -> None:
    emulator = emulator_for(CONFIG_MAP)
    made = emulator.create(sandbox, resource({"data": {"k": "1"}}))
    outputs = emulator.update(sandbox, made.id, {}, resource({"data": {"k": "2"}}, name="renamed"))
    assert outputs["metadata"] == made.outputs["metadata"]
    assert emulator.read(sandbox, made.id, {})["data"] == {"k": "2"}


def test_read_sees_an_edited_file_and_a_lost_one(sandbox: Sandbox) -> None:
    emulator = emulator_for(CONFIG_MAP)
    made = emulator.create(sandbox, resource({"metadata": {"name": "a"}, "data": {"k": "v"}}))
    file = sandbox.root / "kubernetes/aws/default/ConfigMap/a.json"
    file.write_text(file.read_text().replace('"v"', '"edited"'))
    assert emulator.read(sandbox, made.id, {"data": {"k": "v"}})["data"] == {"k": "edited"}
    file.write_text('{"half": ')
    assert emulator.read(sandbox, made.id, {"data": {"k": "v"}}) is None


def test_delete_leaves_no_file_and_can_be_repeated(sandbox: Sandbox) -> None:
    emulator = emulator_for(CONFIG_MAP)
    made = emulator.create(sandbox, resource({"metadata": {"name": "a"}}))
    emulator.delete(sandbox, made.id, {})
    emulator.delete(sandbox, made.id, {})
    assert not (sandbox.root / "kubernetes").exists()


def test_a_namespace_takes_its_objects_along(sandbox: Sandbox) -> None:
    namespace = emulator_for("kubernetes:core/v1:Namespace")
    made = namespace.create(sandbox, resource({"metadata": {"name": "n"}}))
    emulator_for(CONFIG_MAP).create(sandbox, resource({"metadata": {"name": "a", "namespace": "n"}}))
    assert made.id == "aws/n"
    namespace.delete(sandbox, made.id, {})
    assert not (sandbox.root / "kubernetes").exists()


@pytest.mark.parametrize("server", ["example.eks.amazonaws.com", "aws.rehearsal.example.com"])
def test_a_real_cluster_is_refused(sandbox: Sandbox, server: str) -> None:
    with pytest.raises(EmulatorError, match="never reaches a real cluster"):
        emulator_for(CONFIG_MAP).create(sandbox, resource({}, server=server))


@pytest.mark.parametrize("name", ["../../etc", "Upper", "a/b", ""])
def test_a_name_never_leads_out_of_the_sandbox(sandbox: Sandbox, name: str) -> None:
    emulator = emulator_for(CONFIG_MAP)
    with pytest.raises(EmulatorError, match=r"name|id of a ConfigMap"):
        emulator.delete(sandbox, f"aws/default/{name}", {})


def test_secrets_are_read_whatever_way_they_were_written(sandbox: Sandbox) -> None:
    data = {"a": base64.b64encode(b"1").decode()}
    inputs = {"metadata": {"name": "s"}, "data": data, "stringData": {"b": "2"}}
    emulator_for("kubernetes:core/v1:Secret").create(sandbox, resource(inputs))
    assert Cluster(sandbox, "aws").secret("default", "s") == {"a": b"1", "b": b"2"}


def test_every_namespace_has_the_master_key_of_its_sandbox_which_stays_the_same(sandbox: Sandbox) -> None:
    first = Cluster(sandbox, "aws").secret("any", "localcloud-master-key")
    assert first is not None
    assert first == Cluster(sandbox, "gcp").secret("other", "localcloud-master-key")
    content = json.loads(first["master-key.json"])
    assert len(base64.b64decode(content["keys"][content["current"]])) == 32
    assert stat.S_IMODE(master_key_of(sandbox).stat().st_mode) == 0o600
    # The app takes it as it is.
    key = FileMasterKey(master_key_of(sandbox))
    assert key.unwrap(key.wrap(b"1" * 32, b"anna"), b"anna") == b"1" * 32


def test_every_namespace_knows_the_token_issuer(sandbox: Sandbox) -> None:
    contents = Cluster(sandbox, "aws").config_map("any", "localcloud-issuer")
    assert contents is not None
    (key,) = jwt.PyJWKSet.from_json(contents["jwks.json"].decode()).keys
    assert key.key_id == json.loads(Authority.of(sandbox).jwks())["keys"][0]["kid"]
