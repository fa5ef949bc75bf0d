"""The check of commit messages, on repositories made for it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tools import commits

GOOD = "fix(app): keep the order of retries\n\nTwo retries at once swapped two appends."


class Repository:
    """A repository with one commit on main; the tests work on a branch."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.git("init", "--quiet", "--initial-branch=main")
        self.commit("the first line of an old history")

    def git(self, *arguments: str) -> str:
        settings = ("-c", "user.name=Tester", "-c", "user.email=tester@example.com", "-c", "commit.gpgsign=false")
        answer = subprocess.run(
            ["git", *settings, *arguments], cwd=self.folder, capture_output=True, text=True, check=True
        )
        return answer.stdout.strip()

    def commit(self, message: str) -> None:
        self.git("commit", "--quiet", "--allow-empty", "--message", message)


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GITHUB_BASE_REF", raising=False)
    return Repository(tmp_path)


@pytest.fixture
def branch(repository: Repository) -> Repository:
    repository.git("switch", "--quiet", "--create", "work")
    return repository


@pytest.mark.parametrize(
    "message",
    [
        GOOD,
        "feat!: drop the old names\n\nThey had a hint for one release.",
        'Revert "fix(app): keep the order of retries"\n\nThis reverts commit 0123456.',
        f"fix: {'x' * 67}\n\nWhy.\n\nSigned-off-by: Tester <tester@example.com>",
    ],
)
def test_a_good_message_has_no_fault(message: str) -> None:
    assert commits.faults(message) == []


@pytest.mark.parametrize(
    ("message", "fault"),
    [
        (f"fix: {'x' * 68}\n\nWhy.", "the subject has 73 characters; 72 are allowed"),
        ("Keep the order\n\nWhy.", "the subject must begin with a type"),
        ("fixup! fix: keep\n\nWhy.", "the subject must begin with a type"),
        ("fix:keep\n\nWhy.", "the subject must begin with a type"),
        ("fix: keep\nWhy.", "the line after the subject must be blank"),
        ("fix: keep", "the body is missing"),
        ("fix: keep\n\nSigned-off-by: Tester <tester@example.com>", "the body is missing"),
    ],
)
def test_a_fault_is_named(message: str, fault: str) -> None:
    [found] = commits.faults(message)
    assert found.startswith(fault)


def test_commits_since_main_are_checked(branch: Repository, capsys: pytest.CaptureFixture[str]) -> None:
    branch.commit(GOOD)
    assert commits.main() == 0
    assert capsys.readouterr().out == "commits: 1 since main are well written\n"
    branch.commit("no type here\n\nWhy.")
    assert commits.main() == 1
    [fault, advice] = capsys.readouterr().out.splitlines()
    assert "(no type here): the subject must begin with a type" in fault
    assert advice == "commits: reword them: git rebase --interactive main"


def test_a_merge_is_not_checked_but_what_it_brings_is(branch: Repository) -> None:
    branch.git("switch", "--quiet", "main")
    branch.commit("old style on main")
    branch.git("switch", "--quiet", "work")
    branch.commit(GOOD)
    branch.git("merge", "--quiet", "--no-ff", "--message", "Merge branch 'main'", "main")
    assert commits.main() == 0
    branch.git("switch", "--quiet", "--create", "side", "HEAD~1")
    branch.commit("bad")
    branch.git("switch", "--quiet", "work")
    branch.git("merge", "--quiet", "--no-ff", "--message", "Merge branch 'side'", "side")
    assert commits.main() == 1


def test_on_main_there_is_nothing_to_check(repository: Repository, capsys: pytest.CaptureFixture[str]) -> None:
    assert commits.main() == 0
    assert capsys.readouterr().out == "commits: not checked: there is no commit since main\n"


def test_main_is_compared_with_its_origin(repository: Repository, tmp_path: Path) -> None:
    repository.git("update-ref", "refs/remotes/origin/main", "HEAD")
    repository.commit("bad")
    assert commits.main() == 1


def test_a_pull_request_is_compared_with_its_base(branch: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    branch.commit("bad")
    branch.git("update-ref", "refs/remotes/origin/release", "HEAD")
    branch.commit(GOOD)
    assert commits.main() == 1
    monkeypatch.setenv("GITHUB_BASE_REF", "release")
    assert commits.main() == 0


def test_a_shallow_clone_says_that_it_has_no_history(branch: Repository, capsys: pytest.CaptureFixture[str]) -> None:
    branch.git("update-ref", "-d", "refs/heads/main")
    branch.commit("bad")
    assert commits.main() == 0
    assert "no history in common with main" in capsys.readouterr().out


def test_a_folder_without_git_is_not_checked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert commits.main() == 0
    assert capsys.readouterr().out == "commits: not checked: this is no Git checkout\n"
