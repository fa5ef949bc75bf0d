"""Master keys of four keepers hold the same promises; the clouds are played by servers on this machine."""

from __future__ import annotations

import json
import os
import re
import secrets
import stat
import threading
from base64 import b64decode, b64encode, urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256

from app.database import LoginRefused
from app.personal_data import MasterKeyFailed, UnsafeKeyFile, open_master_key
from app.personal_data.aws import AwsMasterKey
from app.personal_data.azure import AzureMasterKey
from app.personal_data.gcp import GcpMasterKey
from app.personal_data.key_file import FileMasterKey
from app.personal_data.master_key import MasterKey, Wrapped, context_of

SECRET = b"the data key of one subject 32 b"
ANNA = context_of("anna")
ARN = "arn:aws:kms:eu-central-1:000000000000:key/ledger"
GCP_NAME = "projects/p/locations/europe-west3/keyRings/r/cryptoKeys/ledger"


class Token:
    def password(self) -> str:
        return "token-of-this-process"


class NoToken:
    def password(self) -> str:
        raise LoginRefused("Azure gives no token for Key Vault: it is a test")


class Refused(Exception):
    """The played cloud's answer with an error."""


@dataclass
class Keeper:
    """A cloud's key service, played with real ciphers."""

    answer: Callable[[Keeper, str, str, dict[str, Any], BaseHTTPRequestHandler], dict[str, Any]]
    versions: list[Any] = field(default_factory=list)
    busy: int = 0
    seen: list[str] = field(default_factory=list)
    url: str = ""

    def __enter__(self) -> Keeper:
        keeper = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                size = int(self.headers.get("Content-Length", 0))
                body = json.loads(self.rfile.read(size) or b"{}")
                keeper.seen.append(json.dumps(body))
                if keeper.busy:
                    keeper.busy -= 1
                    return self.give(503, {})
                try:
                    self.give(200, keeper.answer(keeper, self.command, self.path.split("?")[0], body, self))
                except (Refused, InvalidTag, ValueError, IndexError):
                    self.give(400, {"error": {"message": "not wrapped here"}, "__type": "InvalidCiphertextException"})

            do_GET = do_POST  # noqa: N815

            def give(self, status: int, answer: dict[str, Any]) -> None:
                text = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/x-amz-json-1.1")
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *_: Any) -> None: ...

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()


def aws_answer(keeper: Keeper, method: str, path: str, body: dict[str, Any], call: Any) -> dict[str, Any]:
    assert "eu-central-1/kms/aws4_request" in call.headers["Authorization"]
    context = json.dumps(body["EncryptionContext"]).encode()
    cipher = AESGCM((body["KeyId"].encode() * 2)[:32])
    if call.headers["X-Amz-Target"] == "TrentService.Encrypt":
        nonce = os.urandom(12)
        secret = nonce + cipher.encrypt(nonce, b64decode(body["Plaintext"]), context)
        return {"CiphertextBlob": b64encode(secret).decode(), "KeyId": body["KeyId"]}
    blob = b64decode(body["CiphertextBlob"])
    return {"Plaintext": b64encode(cipher.decrypt(blob[:12], blob[12:], context)).decode(), "KeyId": body["KeyId"]}


def gcp_answer(keeper: Keeper, method: str, path: str, body: dict[str, Any], call: Any) -> dict[str, Any]:
    assert call.headers["Authorization"] == "Bearer token-of-this-process"
    assert path.startswith(f"/v1/{GCP_NAME}")
    primary = f"{GCP_NAME}/cryptoKeyVersions/{len(keeper.versions)}"
    if method == "GET":
        return {"primary": {"name": primary}}
    context = b64decode(body["additionalAuthenticatedData"])
    if path.endswith(":encrypt"):
        nonce = os.urandom(12)
        text = keeper.versions[-1].encrypt(nonce, b64decode(body["plaintext"]), context)
        return {"name": primary, "ciphertext": b64encode(bytes([len(keeper.versions)]) + nonce + text).decode()}
    blob = b64decode(body["ciphertext"])
    return {"plaintext": b64encode(keeper.versions[blob[0] - 1].decrypt(blob[1:13], blob[13:], context)).decode()}


OAEP = padding.OAEP(padding.MGF1(SHA256()), SHA256(), None)


def azure_answer(keeper: Keeper, method: str, path: str, body: dict[str, Any], call: Any) -> dict[str, Any]:
    assert call.headers["Authorization"] == "Bearer token-of-this-process"
    _, keys, name, *rest = path.split("/")
    assert (keys, name) == ("keys", "ledger")
    newest = f"{keeper.url}/keys/ledger/v{len(keeper.versions)}"
    if method == "GET":
        return {"key": {"kid": newest}}
    value = urlsafe_b64decode(body["value"] + "==")
    assert body["alg"] == "RSA-OAEP-256"
    if rest == ["wrapkey"]:
        secret = keeper.versions[-1].public_key().encrypt(value, OAEP)
        return {"kid": newest, "value": urlsafe_b64encode(secret).decode().rstrip("=")}
    version, operation = rest
    assert operation == "unwrapkey"
    plain = keeper.versions[int(version[1:]) - 1].decrypt(value, OAEP)
    return {"kid": newest, "value": urlsafe_b64encode(plain).decode().rstrip("=")}


@dataclass
class Case:
    key: MasterKey
    rotate: Callable[[], MasterKey]
    keeper: Keeper | None = None


@pytest.fixture(params=["file", "aws", "azure", "gcp"])
def case(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Case]:
    match request.param:
        case "file":
            path = tmp_path / "master.json"
            yield Case(FileMasterKey.create(path), lambda: FileMasterKey.rotate(path))
        case "aws":
            monkeypatch.setenv("AWS_ACCESS_KEY_ID", "nobody")
            monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "nothing")
            with Keeper(aws_answer) as keeper:
                yield Case(
                    AwsMasterKey(ARN, endpoint=keeper.url),
                    lambda: AwsMasterKey(ARN + "-2", earlier=[ARN], endpoint=keeper.url),
                    keeper,
                )
        case "azure":
            with Keeper(azure_answer, RSA_KEYS[:1]) as keeper:
                key = AzureMasterKey(f"{keeper.url}/keys/ledger", login=Token())
                yield Case(key, lambda: renewed(keeper, RSA_KEYS[1], key), keeper)
        case "gcp":
            with Keeper(gcp_answer, [new_aes()]) as keeper:
                other = GcpMasterKey(GCP_NAME, login=Token(), service=keeper.url)
                yield Case(other, lambda: renewed(keeper, new_aes(), other), keeper)


RSA_KEYS = [rsa.generate_private_key(65537, 2048) for _ in range(2)]


def new_aes() -> AESGCM:
    return AESGCM(secrets.token_bytes(32))


def renewed(keeper: Keeper, version: Any, key: MasterKey) -> MasterKey:
    keeper.versions.append(version)
    return key


def test_what_is_wrapped_unwraps_in_its_context(case: Case) -> None:
    wrapped = case.key.wrap(SECRET, ANNA)
    assert wrapped.key_id == case.key.current()
    assert SECRET not in wrapped.value
    assert case.key.unwrap(wrapped, ANNA) == SECRET


def test_a_wrapped_key_is_no_other_subjects_key(case: Case) -> None:
    wrapped = case.key.wrap(SECRET, ANNA)
    with pytest.raises(MasterKeyFailed):
        case.key.unwrap(wrapped, context_of("bert"))


def test_a_changed_byte_of_a_wrapped_key_is_noticed(case: Case) -> None:
    wrapped = case.key.wrap(SECRET, ANNA)
    changed = wrapped.value[:-1] + bytes([wrapped.value[-1] ^ 1])
    with pytest.raises(MasterKeyFailed):
        case.key.unwrap(wrapped._replace(value=changed), ANNA)


def test_after_a_rotation_the_new_key_wraps_and_the_old_one_still_unwraps(case: Case) -> None:
    before = case.key.wrap(SECRET, ANNA)
    rotated = case.rotate()
    after = rotated.wrap(SECRET, ANNA)
    assert after.key_id == rotated.current() != before.key_id
    assert rotated.unwrap(before, ANNA) == rotated.unwrap(after, ANNA) == SECRET


def test_a_key_that_is_not_ours_is_never_asked(case: Case) -> None:
    """Whoever can write the table would else get our token, or have us seal with a key that they know."""
    wrapped = case.key.wrap(SECRET, ANNA)
    with Keeper(azure_answer, RSA_KEYS[:1]) as thief:
        asked = len(case.keeper.seen) if case.keeper else 0
        foreign_ids = [
            f"{thief.url}/keys/ledger/v1",
            f"{case.keeper.url if case.keeper else ''}/keys/ledger/../other/v1",
            "arn:aws:kms:eu-central-1:6:key/x",
            "projects/x",
            "local-9",
            "",
        ]
        for foreign in foreign_ids:
            with pytest.raises(MasterKeyFailed):
                case.key.unwrap(Wrapped(foreign, wrapped.value), ANNA)
        assert thief.seen == []
        assert asked == (len(case.keeper.seen) if case.keeper else 0)


def test_a_cloud_learns_no_subject(case: Case) -> None:
    case.key.unwrap(case.key.wrap(SECRET, ANNA), ANNA)
    assert not any("anna" in text for text in (case.keeper.seen if case.keeper else []))


def test_a_busy_cloud_is_asked_again(case: Case) -> None:
    if case.keeper is None:
        pytest.skip("a file is never busy")
    case.keeper.busy = 1
    assert case.key.unwrap(case.key.wrap(SECRET, ANNA), ANNA) == SECRET


def test_a_cloud_that_does_not_answer_is_named() -> None:
    with Keeper(azure_answer) as keeper:
        gone = keeper.url
    with pytest.raises(MasterKeyFailed, match="Azure Key Vault gives no answer"):
        AzureMasterKey(f"{gone}/keys/ledger", login=Token()).wrap(SECRET, ANNA)
    with pytest.raises(MasterKeyFailed, match="Azure gives no token"):
        AzureMasterKey(f"{gone}/keys/ledger", login=NoToken()).wrap(SECRET, ANNA)


def test_the_file_is_for_its_owner_only_from_the_first_moment_on(tmp_path: Path) -> None:
    path = tmp_path / "new" / "master.json"
    previous = os.umask(0)
    try:
        FileMasterKey.create(path)
    finally:
        os.umask(previous)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [each.name for each in path.parent.iterdir()] == ["master.json"]


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o610, 0o602])
def test_a_file_that_others_could_use_is_refused(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "master.json"
    FileMasterKey.create(path)
    path.chmod(mode)
    with pytest.raises(UnsafeKeyFile, match="chmod 600"):
        FileMasterKey(path)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_file_of_somebody_else_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "master.json"
    FileMasterKey.create(path)
    os.chown(path, 12345, -1)
    with pytest.raises(UnsafeKeyFile, match="belongs to user 12345"):
        FileMasterKey(path)


def test_neither_a_link_nor_a_folder_is_a_key_file(tmp_path: Path) -> None:
    path = tmp_path / "master.json"
    FileMasterKey.create(path)
    link = tmp_path / "link.json"
    link.symlink_to(path)
    for wrong in (link, tmp_path, tmp_path / "absent"):
        with pytest.raises(MasterKeyFailed):
            FileMasterKey(wrong)


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{}",
        '{"current": "a", "keys": {}}',
        '{"current": "a", "keys": {"a": "c2hvcnQ="}}',
        '{"current": "a", "keys": {"a": "tell-nobody"}}',
        '{"current": 1, "keys": {"a": "tell-nobody"}}',
    ],
)
def test_a_file_of_another_form_is_refused_and_not_quoted(tmp_path: Path, content: str) -> None:
    path = tmp_path / "master.json"
    path.write_text(content)
    path.chmod(0o600)
    with pytest.raises(MasterKeyFailed, match=re.escape(str(path))) as refusal:
        FileMasterKey(path)
    assert "tell-nobody" not in str(refusal.value)


def test_processes_that_make_the_file_at_once_use_the_same_key(tmp_path: Path) -> None:
    path = tmp_path / "master.json"
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: FileMasterKey.create(path), range(16)))
    wrapped = made[0].wrap(SECRET, ANNA)
    assert all(key.unwrap(wrapped, ANNA) == SECRET for key in made)


def test_the_setting_chooses_the_keeper(tmp_path: Path) -> None:
    FileMasterKey.create(tmp_path / "master.json")
    assert isinstance(open_master_key(f"file:{tmp_path}/master.json"), FileMasterKey)
    assert isinstance(open_master_key(f"aws-kms:{ARN},{ARN}-0"), AwsMasterKey)
    assert isinstance(open_master_key("azure-key-vault:https://v.vault.azure.net/keys/ledger"), AzureMasterKey)
    assert isinstance(open_master_key(f"gcp-kms:{GCP_NAME}"), GcpMasterKey)


@pytest.mark.parametrize(
    "wrong", ["", "file:", "vault:x", "aws-kms:key", "azure-key-vault:http://v/keys/k", "gcp-kms:projects/p"]
)
def test_a_setting_that_names_no_master_key_is_refused(wrong: str) -> None:
    with pytest.raises(MasterKeyFailed):
        open_master_key(wrong)
