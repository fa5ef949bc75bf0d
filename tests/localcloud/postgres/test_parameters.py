"""What a cloud's parameters become in postgresql.conf."""

from __future__ import annotations

import pytest

from localcloud.postgres import binaries
from localcloud.postgres.parameters import is_known, is_static, translate


@pytest.mark.parametrize(
    ("name", "value", "settings"),
    [
        ("max_connections", "400", {"max_connections": "400"}),
        ("rds.logical_replication", "1", {"wal_level": "logical"}),
        ("rds.logical_replication", "0", {}),
        ("cloudsql.logical_decoding", "on", {"wal_level": "logical"}),
        ("wal_level", "logical", {"wal_level": "logical"}),
        ("rds.force_ssl", "1", {}),
        ("cloudsql.iam_authentication", "on", {}),
        ("azure.extensions", "PGCRYPTO", {}),
        ("require_secure_transport", "on", {}),
        ("pgaudit.log", "ddl", {"pgaudit.log": "ddl"}),
        ("listen_addresses", "*", {}),
        ("shared_buffers", "{DBInstanceClassMemory/32768}", {}),
        ("shared_buffers", "131072", {"shared_buffers": "4096"}),
        ("shared_buffers", "1GB", {"shared_buffers": "4096"}),
        ("shared_buffers", "16MB", {"shared_buffers": "16MB"}),
        ("shared_preload_libraries", "pg_stat_statements", {"shared_preload_libraries": "pg_stat_statements"}),
        ("shared_preload_libraries", "no_such_library", {"shared_preload_libraries": ""}),
    ],
)
def test_a_parameter_means_for_postgres(name: str, value: str, settings: dict[str, str]) -> None:
    assert translate({name: value}, binaries.find()).settings == settings


def test_what_has_no_effect_is_told() -> None:
    asked = {"rds.force_ssl": "1", "port": "1", "shared_preload_libraries": "pg_stat_statements, no_such_library"}
    told = translate(asked, binaries.find()).left_out
    assert [line.partition(" =")[0] for line in told] == ["port", "rds.force_ssl", "shared_preload_libraries"]
    assert "no_such_library" in told[2]


def test_which_parameters_there_are_and_which_need_a_restart() -> None:
    postgres = binaries.find()
    assert is_known("work_mem", postgres)
    assert is_known("rds.anything", postgres)
    assert is_known("require_secure_transport", postgres)
    assert not is_known("wrok_mem", postgres)
    assert is_static("max_connections", postgres)
    assert is_static("rds.logical_replication", postgres)
    assert not is_static("work_mem", postgres)


def test_what_a_postgres_program_complains_of_is_one_line() -> None:
    text = '2026-01-01 LOG:  unrecognized configuration parameter "a" in file\n2026-01-01 FATAL:  it contains errors\n'
    assert binaries.complaint(text) == 'unrecognized configuration parameter "a" in file; it contains errors'
    assert binaries.complaint("just this\n") == "just this"
    assert binaries.complaint("") == "no word"
