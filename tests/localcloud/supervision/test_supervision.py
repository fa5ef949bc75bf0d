"""Processes that outlive those who start them."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from localcloud import log_rotation, process_shim
from localcloud.account import unprivileged
from localcloud.sandbox import Sandbox
from localcloud.supervision import Program, Supervisor, last_lines
from localcloud.supervisord import SupervisionError
from tests.machine import SETTABLE_SIGNALS
from tests.waiting import wait_until

pytestmark = pytest.mark.servers


def processes_in(root: Path) -> set[int]:
    """The processes with this folder in their command line or working directory."""
    found = set()
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes().decode(errors="replace") + str((folder / "cwd").resolve())
        except OSError:
            continue
        if str(root) in words and int(folder.name) != os.getpid():
            found.add(int(folder.name))
    return found


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    root = Path(tempfile.mkdtemp(prefix="lf-", dir="/tmp"))
    yield Sandbox.open(root)
    Supervisor(Sandbox.open(root)).shutdown()
    shutil.rmtree(root)


@pytest.fixture
def supervisor(sandbox: Sandbox) -> Supervisor:
    return Supervisor(sandbox)


def sleeper(sandbox: Sandbox, name: str = "sleeper", script: str = "exec sleep 600", **facts: object) -> Program:
    return Program(name=name, command=("/bin/sh", "-c", script), directory=sandbox.root, **facts)


def started(supervisor: Supervisor, program: Program) -> int:
    supervisor.put(program)
    wait_until(lambda: supervisor.state(program.name).running, f"{program.name} to run")
    return supervisor.state(program.name).pid


def daemon(sandbox: Sandbox) -> int:
    return int((sandbox.root / "supervisor" / "supervisord.pid").read_text())


def parent_of(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def take_over(sandbox: Sandbox, supervisor: Supervisor) -> int:
    """Kill supervisord and start the next one; returns the shim that waits for the sleeper."""
    os.kill(daemon(sandbox), signal.SIGKILL)
    wait_until(lambda: supervisor.state("sleeper").description == "UNSUPERVISED", "the supervisor to be missed")
    supervisor.put(sleeper(sandbox))
    wait_until(lambda: "took over" in supervisor.log("sleeper").read_text(), "the shim to take over")
    [shim] = [pid for pid in processes_in(sandbox.root) if b"process_shim.py" in command_line(pid)]
    return shim


def command_line(pid: int) -> bytes:
    return Path(f"/proc/{pid}/cmdline").read_bytes()


def test_supervisord_itself_keeps_the_program(sandbox: Sandbox, supervisor: Supervisor) -> None:
    pid = started(supervisor, sleeper(sandbox))
    assert parent_of(pid) == daemon(sandbox)
    assert len(processes_in(sandbox.root)) == 3  # the daemon, its log rotation, and the program


def test_an_unchanged_program_is_left_running_and_a_changed_one_replaced(
    sandbox: Sandbox, supervisor: Supervisor
) -> None:
    pid = started(supervisor, sleeper(sandbox))
    assert started(Supervisor(sandbox), sleeper(sandbox)) == pid
    changed = started(supervisor, sleeper(sandbox, environment={"NEW": "1"}))
    assert changed != pid
    assert process_shim.read_start(pid) is None
    assert supervisor.state("sleeper").pid == changed


def test_a_program_gets_its_environment_and_little_of_ours(
    sandbox: Sandbox, supervisor: Supervisor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", "of nobody's business")
    value = """100% "quoted" 'twice' ; # and $HOME"""
    pid = started(supervisor, sleeper(sandbox, script="exec sleep 600", environment={"VALUE": value}))
    wait_until(lambda: b"600" in command_line(pid), "the program in place of its shim")
    environment = Path(f"/proc/{pid}/environ").read_bytes().decode().split("\0")
    assert f"VALUE={value}" in environment
    assert not [each for each in environment if each.startswith("PULUMI")]
    for each in processes_in(sandbox.root):
        assert "quoted" not in Path(f"/proc/{each}/cmdline").read_text()
    assert oct((sandbox.root / "supervisor" / "orders" / "sleeper.json").stat().st_mode)[-2:] == "00"


def pipes_of(pid: int, flag: int) -> set[str]:
    """The pipes that a process has open for reading (os.O_RDONLY) or for writing (os.O_WRONLY)."""
    found = set()
    for link in Path(f"/proc/{pid}/fd").iterdir():
        try:
            flags = int((link.parent.parent / "fdinfo" / link.name).read_text().split("flags:")[1].split()[0], 8)
            target = str(link.readlink())
        except FileNotFoundError:
            continue  # closed since it was listed
        if flags & os.O_ACCMODE == flag and target.startswith("pipe:"):
            found.add(target)
    return found


def test_a_program_keeps_its_end_of_the_pipe_that_supervisord_holds(sandbox: Sandbox, supervisor: Supervisor) -> None:
    pid = started(supervisor, sleeper(sandbox))
    wait_until(lambda: b"600" in command_line(pid), "the program in place of its shim")
    assert pipes_of(pid, os.O_RDONLY) & pipes_of(daemon(sandbox), os.O_WRONLY)


def test_a_killed_program_is_back(sandbox: Sandbox, supervisor: Supervisor) -> None:
    pid = started(supervisor, sleeper(sandbox))
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: supervisor.state("sleeper").pid not in (None, pid), "another process")


def test_a_killed_shim_neither_kills_nor_doubles_the_program(sandbox: Sandbox, supervisor: Supervisor) -> None:
    pid = started(supervisor, sleeper(sandbox))
    os.kill(take_over(sandbox, supervisor), signal.SIGKILL)
    wait_until(lambda: supervisor.log("sleeper").read_text().count("took over") == 2, "the next shim to take over")
    assert supervisor.state("sleeper").pid == pid
    assert len(processes_in(sandbox.root)) == 4  # the daemon, its log rotation, the shim, and the program


def test_a_killed_supervisor_is_followed_by_one_that_takes_over(sandbox: Sandbox, supervisor: Supervisor) -> None:
    pid = started(supervisor, sleeper(sandbox))
    first = daemon(sandbox)
    os.kill(first, signal.SIGKILL)
    assert supervisor.state("sleeper").running
    wait_until(lambda: supervisor.state("sleeper").description == "UNSUPERVISED", "the supervisor to be missed")
    supervisor.put(sleeper(sandbox))
    assert daemon(sandbox) != first
    wait_until(lambda: "took over" in supervisor.log("sleeper").read_text(), "the shim to take over")
    assert supervisor.state("sleeper").pid == pid
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: supervisor.state("sleeper").pid not in (None, pid), "another process")


def test_stop_reaches_a_program_that_was_taken_over(sandbox: Sandbox, supervisor: Supervisor) -> None:
    pid = started(supervisor, sleeper(sandbox))
    os.kill(daemon(sandbox), signal.SIGKILL)
    supervisor.ensure_running()
    supervisor.remove("sleeper")
    supervisor.remove("sleeper")
    assert process_shim.read_start(pid) is None
    assert supervisor.states() == []
    assert not supervisor.log("sleeper").exists()


def test_remove_and_shutdown_reach_programs_without_a_supervisor(sandbox: Sandbox, supervisor: Supervisor) -> None:
    one, two = started(supervisor, sleeper(sandbox, "one")), started(supervisor, sleeper(sandbox, "two"))
    os.kill(daemon(sandbox), signal.SIGKILL)
    supervisor.remove("one")
    assert process_shim.read_start(one) is None
    supervisor.shutdown()
    assert process_shim.read_start(two) is None
    assert processes_in(sandbox.root) == set()


def test_a_program_that_ignores_its_stop_signal_is_killed_with_its_children(
    sandbox: Sandbox, supervisor: Supervisor
) -> None:
    script = "trap '' TERM; sleep 600 & echo $! > child; while :; do sleep 0.1; done"
    pid = started(supervisor, sleeper(sandbox, script=script, stop_seconds=1))
    wait_until(
        lambda: (sandbox.root / "child").exists() and (sandbox.root / "child").read_text(), "the number of the child"
    )
    child = int((sandbox.root / "child").read_text())
    supervisor.remove("sleeper")
    assert process_shim.read_start(pid) is None
    wait_until(lambda: process_shim.read_start(child) is None, "the end of the child")


def test_a_program_that_was_taken_over_and_ignores_its_stop_signal_is_killed(
    sandbox: Sandbox, supervisor: Supervisor
) -> None:
    stubborn = sleeper(sandbox, script="trap '' TERM; while :; do sleep 0.1; done", stop_seconds=1)
    pid = started(supervisor, stubborn)
    os.kill(daemon(sandbox), signal.SIGKILL)
    supervisor.put(stubborn)
    wait_until(lambda: "took over" in supervisor.log("sleeper").read_text(), "the shim to take over")
    supervisor._daemon.call("stopProcess", "sleeper")
    wait_until(lambda: process_shim.read_start(pid) is None, "the end of the program")


def test_what_a_killed_program_leaves_behind_is_killed_before_it_starts_again(
    sandbox: Sandbox, supervisor: Supervisor
) -> None:
    pid = started(supervisor, sleeper(sandbox, script="sleep 600 & echo $! >> children; wait"))
    wait_until((sandbox.root / "children").exists, "the child")
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: len((sandbox.root / "children").read_text().split()) == 2, "the next program's child")
    first, second = map(int, (sandbox.root / "children").read_text().split())
    assert process_shim.read_start(first) is None
    assert process_shim.read_start(second) is not None


def test_a_run_that_ignores_signals_hands_that_on_to_no_program(sandbox: Sandbox, supervisor: Supervisor) -> None:
    ignored = (signal.SIGHUP, signal.SIGXFSZ, signal.SIGPIPE)
    before = {number: signal.signal(number, signal.SIG_IGN) for number in ignored}  # as `nohup` and Python do
    try:
        pid = started(supervisor, sleeper(sandbox))
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    wait_until(lambda: b"600" in command_line(pid), "the program in place of its shim")
    status = dict(line.split(":\t", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    assert int(status["SigIgn"], 16) & SETTABLE_SIGNALS == 0
    assert int(status["SigBlk"], 16) & SETTABLE_SIGNALS == 0


def test_a_program_gets_its_own_stop_signal(sandbox: Sandbox, supervisor: Supervisor) -> None:
    script = "trap 'echo INT > said; exit' INT; echo > ready; while :; do sleep 0.05; done"
    started(supervisor, sleeper(sandbox, script=script, stop_signal="INT"))
    wait_until((sandbox.root / "ready").exists, "the program to be ready")
    supervisor.remove("sleeper")
    assert (sandbox.root / "said").read_text() == "INT\n"


def test_signals_reach_a_program_that_was_taken_over(sandbox: Sandbox, supervisor: Supervisor) -> None:
    script = "trap 'echo HUP > said' HUP; echo > ready; while :; do sleep 0.05; done"
    pid = started(supervisor, sleeper(sandbox, script=script))
    wait_until((sandbox.root / "ready").exists, "the program to be ready")
    os.kill(daemon(sandbox), signal.SIGKILL)
    supervisor.put(sleeper(sandbox, script=script))
    wait_until(lambda: "took over" in supervisor.log("sleeper").read_text(), "the shim to take over")
    supervisor._daemon.call("signalProcess", "sleeper", "HUP")
    wait_until((sandbox.root / "said").exists, "what the program says")
    assert supervisor.state("sleeper").pid == pid


def test_shutdown_leaves_no_process_and_no_socket(sandbox: Sandbox, supervisor: Supervisor) -> None:
    started(supervisor, sleeper(sandbox))
    supervisor.shutdown()
    supervisor.shutdown()
    assert processes_in(sandbox.root) == set()
    assert not list(sandbox.root.rglob("*.sock"))
    assert supervisor.states() == []
    assert started(supervisor, sleeper(sandbox))


def test_a_deep_folder_gets_its_socket_elsewhere(sandbox: Sandbox) -> None:
    deep = Sandbox.open(sandbox.root / ("d" * 60) / ("e" * 60))
    supervisor = Supervisor(deep)
    assert started(supervisor, sleeper(deep))
    socket = supervisor._daemon._socket
    assert socket.exists()
    assert socket.parent.stat().st_mode & 0o077 == 0
    supervisor.shutdown()
    assert not socket.parent.exists()


def test_a_path_that_supervisord_cannot_be_told_of_is_refused(sandbox: Sandbox) -> None:
    odd = Supervisor(Sandbox.open(sandbox.root / "odd ;name"))
    with pytest.raises(SupervisionError, match="cannot be used"):
        odd.ensure_running()
    spaced = Sandbox.open(sandbox.root / "100% fine")
    assert started(Supervisor(spaced), sleeper(spaced))
    Supervisor(spaced).shutdown()


def test_many_at_once_start_one_supervisor_and_each_program_once(sandbox: Sandbox) -> None:
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda number: Supervisor(sandbox).put(sleeper(sandbox, f"p{number % 3}")), range(6)))
    supervisor = Supervisor(sandbox)
    wait_until(lambda: all(state.running for state in supervisor.states()), "every program to run")
    assert [state.name for state in supervisor.states()] == ["p0", "p1", "p2"]
    assert len(processes_in(sandbox.root)) == 5  # the daemon, its log rotation, and three programs


def test_a_program_that_cannot_be_run_says_why(sandbox: Sandbox, supervisor: Supervisor) -> None:
    supervisor.put(Program(name="absent", command=("/no/such/program",), directory=sandbox.root))
    wait_until(lambda: "No such file" in last_lines(supervisor.log("absent"), 3), "the reason in the log")
    assert not supervisor.state("absent").running
    with pytest.raises(SupervisionError, match="program name"):
        supervisor.put(sleeper(sandbox, "../elsewhere"))
    assert last_lines(sandbox.root / "nothing", 3) == "(no log)"


def test_a_restarted_program_is_another_process(sandbox: Sandbox, supervisor: Supervisor) -> None:
    pid = started(supervisor, sleeper(sandbox))
    supervisor.restart("sleeper")
    wait_until(lambda: supervisor.state("sleeper").pid not in (None, pid), "another process")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can run something as somebody else")
def test_a_program_runs_as_the_account(sandbox: Sandbox, supervisor: Supervisor) -> None:
    pid = started(supervisor, sleeper(sandbox, account=unprivileged()))
    status = Path(f"/proc/{pid}/status").read_text()
    ids = {line.split()[1] for line in status.splitlines() if line.startswith(("Uid", "Gid"))}
    assert "0" not in ids
    assert "Groups:\t0" not in status


def test_supervisord_has_long_logs_moved_aside(tmp_path: Path) -> None:
    log = tmp_path / "x.log"
    log.write_bytes(b"x" * log_rotation.LOG_LIMIT)
    event = "ver:3.0 server:s serial:1 pool:p poolserial:1 eventname:TICK_60 len:15\nwhen:1201063880"
    said = subprocess.run(
        [sys.executable, "-I", "-S", log_rotation.__file__, str(tmp_path)],
        input=event,
        text=True,
        capture_output=True,
        check=True,
        timeout=30,
    )
    assert said.stdout == "READY\nRESULT 2\nOKREADY\n"
    assert log.read_text() == ""
    assert (tmp_path / "x.log.1").stat().st_size == log_rotation.LOG_LIMIT


def test_a_log_that_grew_too_long_is_moved_aside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_rotation, "LOG_LIMIT", 10)
    log = tmp_path / "x.log"
    log.write_text("short")
    log_rotation.rotate(str(log))
    assert log.read_text() == "short"
    log.write_text("long enough to move")
    log_rotation.rotate(str(log))
    assert log.read_text() == ""
    assert (tmp_path / "x.log.1").read_text() == "long enough to move"
    log_rotation.rotate(str(tmp_path / "absent"))


def test_a_pid_file_of_a_dead_or_another_process_names_nobody(tmp_path: Path) -> None:
    path = tmp_path / "x.pid"
    assert process_shim.find_living(str(path)) is None
    path.write_text("{")
    assert process_shim.find_living(str(path)) is None
    path.write_text(f'{{"pid": {os.getpid()}, "start": "another time", "digest": ""}}')
    assert process_shim.find_living(str(path)) is None
    path.write_text(f'{{"pid": {os.getpid()}, "start": "{process_shim.read_start(os.getpid())}", "digest": ""}}')
    assert process_shim.find_living(str(path))["pid"] == os.getpid()
