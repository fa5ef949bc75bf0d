"""The erasure log in an object store: written once, listed whole, and nothing is erased that it did not take."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.personal_data import (
    Erasure,
    ErasureLogDamaged,
    ErasureLogUnavailable,
    InvalidPersonalData,
    ObjectErasureLog,
    erase,
    replay_erasures,
)
from app.personal_data.aws_bucket import AwsBucket
from app.personal_data.gcp_bucket import GcpBucket
from app.personal_data.object_log import Bucket
from app.personal_data.settings import PersonalDataSettings, open_erasure_log
from app.settings import WrongSetting, load
from app.topology import parse_directory

from .object_store import BUCKET, PAGE, S3, Gcs, ObjectStore, played

pytestmark = pytest.mark.servers

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


class Token:
    def password(self) -> str:
        return "token-of-this-process"


@dataclass
class Case:
    store: ObjectStore
    bucket: Bucket

    @property
    def log(self) -> ObjectErasureLog:
        return ObjectErasureLog(self.bucket, "production/erasures")


@pytest.fixture(params=["aws", "gcp"])
def case(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Case]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "nobody")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "nothing")
    with played(S3 if request.param == "aws" else Gcs) as store:
        if request.param == "aws":
            yield Case(store, AwsBucket(BUCKET, region="eu-central-1", endpoint=store.url))
        else:
            yield Case(store, GcpBucket(BUCKET, login=Token(), service=store.url))


async def test_what_is_noted_is_read_whatever_its_name_and_however_many_there_are(case: Case) -> None:
    assert await case.log.entries() == []
    subjects = ["anna", "bert/x", "../c", "ü ?&#+", "a" * 200, *(f"s{n}" for n in range(2 * PAGE))]
    await case.log.record([Erasure(subject, NOON) for subject in subjects])
    assert {*await case.log.entries()} == {Erasure(subject, NOON) for subject in subjects}
    assert all(name.startswith("production/erasures/") for name in case.store.objects)


async def test_an_object_says_by_itself_what_it_is(case: Case) -> None:
    await case.log.record([Erasure("anna", NOON)])
    [content] = case.store.objects.values()
    assert json.loads(content) == {"subject": "anna", "erased_at": "2026-05-01T12:00:00+00:00"}


async def test_what_is_noted_never_changes_and_the_first_time_counts(case: Case) -> None:
    await case.log.record([Erasure("anna", NOON)])
    before = dict(case.store.objects)
    await case.log.record([Erasure("anna", NOON)])
    assert case.store.objects == before
    await case.log.record([Erasure("anna", NOON + timedelta(days=1))])
    assert await case.log.entries() == [Erasure("anna", NOON)]
    assert case.store.objects.items() >= before.items()


async def test_a_replay_writes_nothing_that_is_there(case: Case) -> None:
    erasures = [Erasure(f"s{n}", NOON) for n in range(2 * PAGE)]
    await case.log.record(erasures)
    case.store.requests.clear()
    await case.log.record(await case.log.entries())
    assert set(case.store.requests) == {"GET"}


async def test_others_of_the_bucket_are_not_looked_at(case: Case) -> None:
    case.store.objects["staging/erasures/x"] = b""
    case.store.objects["production/erasures-of-old/x"] = b""
    assert await case.log.entries() == []


@pytest.mark.parametrize("name", ["x", "x/", "YW5uYQ==/noon", "YW5uYQ==/2026-05-01T12:00:00", "/2026-05-01T12:00:00Z"])
async def test_an_object_that_is_no_erasure_is_named(case: Case, name: str) -> None:
    case.store.objects[f"production/erasures/{name}"] = b""
    with pytest.raises(ErasureLogDamaged, match="production/erasures/"):
        await case.log.entries()


async def test_a_busy_store_is_asked_again(case: Case) -> None:
    case.store.busy = 1
    await case.log.record([Erasure("anna", NOON)])
    case.store.busy = 1
    assert await case.log.entries() == [Erasure("anna", NOON)]


async def test_who_makes_the_same_object_at_once_is_no_failure() -> None:
    with pytest.MonkeyPatch.context() as patch, played(S3) as store:
        patch.setenv("AWS_ACCESS_KEY_ID", "nobody")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "nothing")
        log = ObjectErasureLog(AwsBucket(BUCKET, region="eu-central-1", endpoint=store.url), "")
        store.racing = 2
        await log.record([Erasure("anna", NOON)])
        assert await log.entries() == [Erasure("anna", NOON)]
        store.racing = 100
        with pytest.raises(ErasureLogUnavailable, match="others write"):
            await log.record([Erasure("bert", NOON)])


class Keys:
    """Stands for a shard's keys: of whom it was asked to destroy them."""

    def __init__(self) -> None:
        self.destroyed: list[str] = []

    async def erase(self, erasures: list[Erasure]) -> list[Any]:
        self.destroyed += [erasure.subject for erasure in erasures]
        return [Done(erasure.subject) for erasure in erasures]


@dataclass
class Done:
    subject: str
    owned: bool = True
    destroyed: bool = True


async def test_nothing_is_destroyed_that_the_log_did_not_take(case: Case) -> None:
    keys: Any = {"aws-0": Keys()}
    case.store.refuses = True
    with pytest.raises(ErasureLogUnavailable, match=BUCKET):
        await erase("anna", at=NOON, log=case.log, shards=keys)
    with pytest.raises(ErasureLogUnavailable, match=BUCKET):
        await replay_erasures(case.log, keys)
    assert keys["aws-0"].destroyed == []
    case.store.refuses = False
    assert await erase("anna", at=NOON, log=case.log, shards=keys)


async def test_after_the_restore_of_all_homes_at_once_the_log_still_knows(case: Case) -> None:
    before: Any = {"aws-0": Keys(), "gcp-0": Keys()}
    for n in range(2 * PAGE):
        await erase(f"s{n}", at=NOON, log=case.log, shards=before)
    restored: Any = {"aws-0": Keys(), "gcp-0": Keys()}
    assert await replay_erasures(case.log, restored) == (2 * PAGE, 2 * PAGE)
    assert {*restored["aws-0"].destroyed} == {*restored["gcp-0"].destroyed} == {f"s{n}" for n in range(2 * PAGE)}


async def test_a_name_that_no_object_can_have_is_refused(case: Case) -> None:
    with pytest.raises(InvalidPersonalData, match="too long"):
        await case.log.record([Erasure("a" * 900, NOON)])
    assert case.store.objects == {}


async def test_a_store_that_is_gone_is_named() -> None:
    with played(Gcs) as store:
        gone = store.url
    log = ObjectErasureLog(GcpBucket(BUCKET, login=Token(), service=gone), "")
    with pytest.raises(ErasureLogUnavailable, match=f"Google Cloud Storage bucket {BUCKET} gives no answer"):
        await log.entries()


def settings(where: str) -> PersonalDataSettings:
    return load(PersonalDataSettings, cloud="aws", master_key="file:/key", erasure_log=where)


@pytest.mark.parametrize("where", ["aws-s3:eu-central-1/bucket/a/b", "gcp-storage:bucket/a/b", "gcp-storage:bucket"])
def test_the_setting_names_the_store(where: str) -> None:
    shard = {
        "name": "aws-0",
        "home": "aws",
        "host": "db.example",
        "region": "r",
        "slots": [[0, 4095]],
        "database": "ledger",
    }
    logins = {role: {"user": role, "login": "azure-entra"} for role in ("app", "admin")}
    directory = parse_directory(json.dumps({"slots": 4096, "shards": [shard | logins]}))
    assert isinstance(open_erasure_log(settings(where).erasure_log, directory, {}), ObjectErasureLog)


@pytest.mark.parametrize("wrong", ["aws-s3:bucket", "aws-s3:eu-central-1/", "gcp-storage:", "gcp-storage:A", "s3://b"])
def test_a_setting_that_names_no_store_is_refused(wrong: str) -> None:
    with pytest.raises(WrongSetting, match="FORTRESS_ERASURE_LOG"):
        settings(wrong)
