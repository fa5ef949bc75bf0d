"""Checks beside the tests: nothing mixed, every failure shown, the right status."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import pytest

from tools import checks


def python(code: str) -> tuple[str, ...]:
    return (sys.executable, "-c", code)


OK = python("print('fine')")
BAD = python("import sys; print('one fault'); sys.exit(3)")


def test_checks_run_beside_the_tests_and_print_after_them(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    began = tmp_path / "began"
    wait = f"import pathlib, time\nwhile not pathlib.Path({str(began)!r}).exists(): time.sleep(0.01)\nprint('tests')"
    touch = python(f"import pathlib; pathlib.Path({str(began)!r}).touch(); print('check')")
    assert checks.run({"lint": [touch]}, python(wait)) == 0
    printed = capfd.readouterr().out
    assert printed.index("tests") < printed.index("── lint: passed") < printed.index("check")


def test_every_failure_is_shown_and_counts(capfd: pytest.CaptureFixture[str]) -> None:
    assert checks.run({"lint": [BAD, OK], "types": [BAD]}, OK) == 1
    shown = capfd.readouterr()
    assert shown.out.count("one fault") == 2
    assert shown.out.count("fine") == 2, "the tests, and the command after the failed one"
    assert shown.out.endswith("failed: lint, types\n")
    assert "lint failed; its output comes after the tests" in shown.err


def test_the_status_of_failed_tests_is_kept(capfd: pytest.CaptureFixture[str]) -> None:
    assert checks.run({"lint": [OK]}, python("raise SystemExit(5)")) == 5
    assert capfd.readouterr().out.endswith("failed: tests\n")


def test_a_check_that_cannot_be_run_fails(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("threading.excepthook", lambda _: None)
    assert checks.run({"types": [("/no/such/program",)]}, ()) == 1
    assert "the check could not be run" in capfd.readouterr().out


def test_checks_alone_need_no_tests(capfd: pytest.CaptureFixture[str]) -> None:
    assert checks.run({"lint": [OK]}, ()) == 0
    assert capfd.readouterr().out == "── lint: passed in 0 s\nfine\n"


def test_a_checkout_keeps_its_cache_and_a_new_one_begins_with_a_copy(tmp_path: Path) -> None:
    first = checks.find_cache(tmp_path, b"lock", Path("/one"))
    (first / "entry").write_text("known")
    assert checks.find_cache(tmp_path, b"lock", Path("/one")) == first
    second = checks.find_cache(tmp_path, b"lock", Path("/two"))
    assert second != first
    assert (second / "entry").read_text() == "known"
    other_lock = checks.find_cache(tmp_path, b"other", Path("/one"))
    assert list(other_lock.iterdir()) == []


def test_old_caches_are_removed(tmp_path: Path) -> None:
    folders = []
    for number in range(checks.KEPT_CACHES + 2):
        folders.append(checks.find_cache(tmp_path, b"lock", Path(f"/{number}")))
        time.sleep(0.01)
    assert [folder.exists() for folder in folders] == [False, False] + [True] * checks.KEPT_CACHES
    assert sorted(tmp_path.iterdir()) == sorted(folders[2:]), "no draft is left"


def test_an_unknown_check_is_refused(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "argv", ["checks", "lnit"])
    assert checks.main() == 2
    assert "unknown ['lnit']; known are lint, types" in capsys.readouterr().err
