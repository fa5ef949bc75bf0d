"""Check the messages of the commits since main: `python -m tools.commits`, a part of `make lint`.

Conventional Commits (https://www.conventionalcommits.org): a subject of at most 72 characters, `type(scope): text`, a
blank line, and a body that says why. Kept tools were weighed: gitlint has had no release since 2023, and commitizen
brings a dozen packages and cannot require a body.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator

TYPES = ("feat", "fix", "refactor", "perf", "test", "docs", "build", "ci", "chore", "style", "revert")
SUBJECT = re.compile(rf"({'|'.join(TYPES)})(\([^()]+\))?!?: \S")
REVERT = re.compile(r'Revert "')
"""The subject that `git revert` writes."""
TRAILER = re.compile(r"[A-Za-z][A-Za-z-]*: |\(cherry picked from ")
LONGEST = 72
LAST_FREE = "29dea24c"
"""The last commit that was written before this rule."""


class NothingToCompare(Exception):
    """The commits since main cannot be listed; the message says why."""


def main() -> int:
    """Print each fault of each message; return 1 if there is one."""
    try:
        base = find_base()
    except NothingToCompare as reason:
        print(f"commits: not checked: {reason}")
        return 0
    count = wrong = 0
    for commit, message in messages_since(base):
        count += 1
        for fault in faults(message):
            wrong += 1
            print(f"commit {commit[:8]} ({message.splitlines()[0] if message else 'no message'}): {fault}")
    if wrong:
        print(f"commits: reword them: git rebase --interactive {base}")
        return 1
    print(f"commits: {count} since {base} are well written")
    return 0


def faults(message: str) -> list[str]:
    """Return what is wrong with a commit message, each with what to do."""
    subject, *rest = message.strip("\n").splitlines() or [""]
    found = []
    if len(subject) > LONGEST:
        found.append(f"the subject has {len(subject)} characters; {LONGEST} are allowed")
    if not SUBJECT.match(subject) and not REVERT.match(subject):
        found.append(f"the subject must begin with a type and a colon, such as 'fix(app): '; types: {', '.join(TYPES)}")
    if rest and rest[0].strip():
        found.append("the line after the subject must be blank")
    if not any(line.strip() and not TRAILER.match(line) for line in rest):
        found.append("the body is missing; say why the change is made")
    return found


def find_base() -> str:
    """Return what the commits are compared with: the pull request's base, else main here or at the origin."""
    target = os.environ.get("GITHUB_BASE_REF") or "main"
    head = _git("rev-parse", "--verify", "--quiet", "HEAD")
    if head is None:
        raise NothingToCompare("this is no Git checkout")
    for name in (f"origin/{target}", target):
        if _git("rev-parse", "--verify", "--quiet", f"{name}^{{commit}}") is None:
            continue
        base = _git("merge-base", name, "HEAD")
        if base is not None and base != head:
            return name
        if base == head:
            raise NothingToCompare(f"there is no commit since {name}")
    raise NothingToCompare(f"no history in common with {target}; in a shallow clone: git fetch --unshallow")


def messages_since(base: str) -> Iterator[tuple[str, str]]:
    """Return hash and message of each commit that is not on `base`; merges have no message of their own."""
    known = [f"^{LAST_FREE}"] if _git("rev-parse", "--verify", "--quiet", f"{LAST_FREE}^{{commit}}") else []
    log = _git("log", "--no-merges", "--format=%H%x00%B%x01", "HEAD", f"^{base}", *known)
    for entry in (log or "").split("\x01"):
        if "\x00" in entry:
            commit, _, message = entry.strip("\n").partition("\x00")
            yield commit, message


def _git(*arguments: str) -> str | None:
    """Return what `git` prints, or None if it fails."""
    try:
        answer = subprocess.run(["git", *arguments], capture_output=True, text=True, check=False)
    except OSError:
        return None
    return answer.stdout.strip() if answer.returncode == 0 else None


if __name__ == "__main__":
    sys.exit(main())
