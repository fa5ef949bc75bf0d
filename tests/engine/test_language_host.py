"""Our language host by itself: its process, and what it makes of options and packages."""

from __future__ import annotations

import os
import platform
import signal
import subprocess
import sys
import textwrap
import time
from concurrent import futures
from pathlib import Path

import grpc
import pytest
from google.protobuf import empty_pb2
from pulumi.runtime.proto import language_pb2, language_pb2_grpc

from tests.waiting import wait_until
from tools.engine import from_modules
from tools.engine.language_host import installer, plugins, server
from tools.engine.language_host.children import Children
from tools.engine.language_host.packages import Package, direct, installed, plugin_of, plugin_version
from tools.engine.language_host.runtime import BadOption, PythonRuntime
from tools.engine.language_host.server import LanguageHost

HOST = [sys.executable, "-I", str(from_modules.HOST_PROGRAM)]
OURS = PythonRuntime(interpreter=Path(sys.executable))


@pytest.fixture
def host():
    """A running language host and a client of it."""
    with subprocess.Popen([*HOST, "127.0.0.1:1"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        with grpc.insecure_channel(f"127.0.0.1:{int(process.stdout.readline())}") as channel:
            process.client = language_pb2_grpc.LanguageRuntimeStub(channel)
            yield process
        process.kill()


@pytest.fixture
def client(tmp_path):
    """A client of a language host in this process; its executor is a program that just exits with 9."""
    executor = tmp_path / "executor"
    executor.write_text("raise SystemExit(9)")
    children = Children()
    service = grpc.server(futures.ThreadPoolExecutor(max_workers=8))
    language_pb2_grpc.add_LanguageRuntimeServicer_to_server(LanguageHost("", executor, children), service)
    port = service.add_insecure_port("127.0.0.1:0")
    service.start()
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        yield language_pb2_grpc.LanguageRuntimeStub(channel)
    children.close()
    service.stop(None)


def info(folder, **options):
    message = language_pb2.ProgramInfo(root_directory=str(folder), program_directory=str(folder), entry_point=".")
    message.options.update(options)
    return message


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_host_ends_at_once_and_without_a_word(host, number):
    before = time.monotonic()
    host.send_signal(number)
    assert host.communicate(timeout=5) == ("", "")
    assert host.returncode == 0
    assert time.monotonic() - before < 1


def test_an_interrupt_during_the_slow_start_is_silent_too():
    with subprocess.Popen(HOST, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        wait_until(lambda: catches(process.pid, signal.SIGTERM), "the handler of SIGTERM")
        process.send_signal(signal.SIGINT)
        assert process.communicate(timeout=10) == ("", "")


@pytest.mark.slow
def test_the_host_ends_when_its_engine_has_died():
    engine = textwrap.dedent(
        f"""
        import subprocess, sys
        host = subprocess.Popen({HOST!r}, stdout=subprocess.PIPE, text=True)
        host.stdout.readline()
        print(host.pid, flush=True)
        """
    )
    answer = subprocess.run([sys.executable, "-c", engine], capture_output=True, text=True, check=True)
    wait_until_gone(int(answer.stdout))


def test_the_host_says_its_version(host):
    assert host.client.GetPluginInfo(empty_pb2.Empty()).version == "3.259.0"
    said = subprocess.run([*HOST, "--version"], capture_output=True, text=True, check=True)
    assert said.stdout == "3.259.0\n"


def test_what_the_host_does_not_do_it_declines_in_a_line(client):
    with pytest.raises(grpc.RpcError) as declined:
        client.GeneratePackage(language_pb2.GeneratePackageRequest())
    assert declined.value.code() is grpc.StatusCode.UNIMPLEMENTED
    assert "generates no code" in declined.value.details()


def test_a_bad_option_reaches_the_engine_as_a_line(host, tmp_path):
    with pytest.raises(grpc.RpcError) as refused:
        host.client.About(language_pb2.AboutRequest(info=info(tmp_path, toolchain="poetry")))
    assert refused.value.details() == (
        "runtime option toolchain is 'poetry', but this language host knows pip and uv only"
    )
    host.send_signal(signal.SIGINT)
    assert host.communicate(timeout=5)[1] == ""


def test_a_plugin_streams_what_it_says_and_its_exit_code(client, tmp_path):
    (tmp_path / "__main__.py").write_text("import sys; print('out'); print('err', file=sys.stderr); sys.exit(4)")
    heard = {"stdout": b"", "stderr": b""}
    code = None
    for said in client.RunPlugin(
        language_pb2.RunPluginRequest(pwd=str(tmp_path), kind="resource", info=info(tmp_path))
    ):
        kind = said.WhichOneof("output")
        if kind == "exitcode":
            code = said.exitcode
        else:
            heard[kind] += getattr(said, kind)
    assert (heard, code) == ({"stdout": b"out\n", "stderr": b"err\n"}, 4)


def test_type_errors_stop_a_program_before_it_runs(client, tmp_path):
    (tmp_path / "mypy").mkdir()
    (tmp_path / "mypy" / "__init__.py").touch()
    (tmp_path / "mypy" / "__main__.py").write_text("raise SystemExit(1)")
    request = language_pb2.RunRequest(pwd=str(tmp_path), info=info(tmp_path, typechecker="mypy"))
    assert client.Run(request).error == f"mypy found mistakes in {tmp_path}"


def test_a_failed_program_is_an_error_with_its_code(client, tmp_path):
    request = language_pb2.RunRequest(pwd=str(tmp_path), info=info(tmp_path), dryRun=True, parallel=4)
    assert client.Run(request).error == "program exited with non-zero exit code: 9"


def test_a_cancel_ends_the_program_and_the_engine_hears_no_error_of_its_own(client, tmp_path):
    (tmp_path / "executor").write_text("import pathlib, time; pathlib.Path('up').touch(); time.sleep(600)")
    running = client.Run.future(language_pb2.RunRequest(pwd=str(tmp_path), info=info(tmp_path)))
    wait_until((tmp_path / "up").exists, "the executor to start")
    client.Cancel(empty_pb2.Empty())
    assert running.result(10).error == f"program was ended by signal {signal.SIGTERM.value}"


def test_the_engine_is_greeted_and_asked_no_questions(client):
    assert client.Handshake(language_pb2.LanguageHandshakeRequest(engine_address="127.0.0.1:1")) is not None
    assert list(client.RuntimeOptionsPrompts(language_pb2.RuntimeOptionsRequest()).prompts) == []
    assert client.Template(language_pb2.TemplateRequest()) == language_pb2.TemplateResponse()


def test_direct_dependencies_are_fewer_than_all(client, tmp_path):
    def names(**options):
        request = language_pb2.GetProgramDependenciesRequest(info=info(tmp_path), **options)
        return {dependency.name for dependency in client.GetProgramDependencies(request).dependencies}

    assert "pulumi" in names(transitiveDependencies=True)
    assert "pulumi" not in names()


def test_a_parameterized_package_says_with_what():
    facts = {"resource": True, "name": "base", "version": "1.0.0"}
    facts["parameterization"] = {"name": "made", "version": "2.0.0", "value": "aGVsbG8="}
    message = server.dependency(plugin_of(Package(name="pulumi-made", version="2.0.0", plugin=facts)))
    assert (message.parameterization.name, message.parameterization.value) == ("made", b"hello")
    assert not message.HasField("extension")


def test_a_cancelled_plugin_ends(client, tmp_path):
    (tmp_path / "__main__.py").write_text("import os, time; print(os.getpid(), flush=True); time.sleep(600)")
    call = client.RunPlugin(language_pb2.RunPluginRequest(pwd=str(tmp_path), kind="resource", info=info(tmp_path)))
    plugin = int(next(call).stdout)
    call.cancel()
    wait_until_gone(plugin)


def test_children_end_with_the_host(host, tmp_path):
    (tmp_path / "__main__.py").write_text("import os, time; print(os.getpid(), flush=True); time.sleep(600)")
    call = host.client.RunPlugin(language_pb2.RunPluginRequest(pwd=str(tmp_path), kind="resource", info=info(tmp_path)))
    plugin = int(next(call).stdout)
    host.send_signal(signal.SIGTERM)
    host.wait(5)
    wait_until_gone(plugin)


def test_a_folder_with_nothing_to_run_is_named(client, tmp_path):
    with pytest.raises(grpc.RpcError) as refused:
        list(client.RunPlugin(language_pb2.RunPluginRequest(pwd=str(tmp_path), kind="resource", info=info(tmp_path))))
    assert refused.value.details() == f"{tmp_path} holds neither a __main__.py nor a pyproject.toml with a project name"


def test_a_packaged_plugin_is_run_by_its_project_name(tmp_path):
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "my-provider"\n')
    request = language_pb2.RunPluginRequest(info=info(tmp_path))
    assert plugins.plugin_program(request) == ["-m", "pulumi.run.plugin", "my-provider"]


def test_about_tells_the_virtualenvs_python(client, tmp_path):
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "v"], check=True)
    about = client.About(language_pb2.AboutRequest(info=info(tmp_path, virtualenv="v")))
    assert about.executable == str(tmp_path / "v" / "bin" / "python")
    assert about.version == platform.python_version()


def test_an_installation_makes_the_virtualenv_and_fills_it(tmp_path):
    runtime = PythonRuntime.of(str(tmp_path), {"virtualenv": "v"})
    (tmp_path / "requirements.txt").write_text("")
    assert [list(map(str, command))[1:3] for command in installer.commands(tmp_path, runtime)] == [
        ["-m", "venv"],
        ["-m", "pip"],
    ]


def test_an_installation_streams_and_a_failed_one_names_its_command(tmp_path):
    (tmp_path / "requirements.txt").write_text("")
    interpreter = tmp_path / "python"
    interpreter.write_text("#!/bin/sh\necho working\nexit 1\n")
    interpreter.chmod(0o755)
    said = installer.install_dependencies(tmp_path, PythonRuntime(interpreter=interpreter), Children())
    assert next(said).stdout == b"working\n"
    with pytest.raises(installer.InstallFailed, match=r"this failed: .* pip install"):
        next(said)


def test_packages_and_the_plugins_they_ask_for(client, tmp_path):
    answer = client.GetRequiredPackages(language_pb2.GetRequiredPackagesRequest(info=info(tmp_path)))
    assert {"aws", "azure-native", "gcp", "kubernetes"} <= {package.name for package in answer.packages}
    assert {package.kind for package in answer.packages} == {"resource"}
    assert all(package.version.startswith("v") for package in answer.packages)
    assert not {"pulumi", "policy", "pulumi-policy"} & {package.name for package in answer.packages}


@pytest.mark.parametrize(
    ("python", "semantic"),
    [
        ("7.51.1", "7.51.1"),
        ("1.0", "1.0.0"),
        ("1.2.3a4", "1.2.3-alpha.4"),
        ("1.2.3b4", "1.2.3-beta.4"),
        ("1.2.3rc4", "1.2.3-rc.4"),
        ("1.2.3.post4", "1.2.3+post4"),
        ("1.2.3.post4.dev5", "1.2.3+post4dev5"),
        ("1!2.3.4", None),
        ("not a version", None),
    ],
)
def test_a_python_version_becomes_a_plugin_version(python, semantic):
    assert plugin_version(python) == semantic


def test_a_package_can_say_that_it_has_no_plugin():
    assert plugin_of(Package(name="pulumi-random", version="4.1.0")).name == "random"
    assert plugin_of(Package(name="pulumi-random", version="4.1.0", plugin={"resource": False})) is None
    assert plugin_of(Package(name="pulumi-policy", version="1.21.0")) is None
    assert plugin_of(Package(name="requests", version="2.0.0")) is None
    assert plugin_of(Package(name="pulumi-odd", version="weird")) is None


def test_a_package_can_name_its_plugin():
    facts = {"resource": True, "name": "other", "version": "9.8.7", "server": "https://example.org"}
    plugin = plugin_of(Package(name="pulumi-some", version="1.0.0", plugin=facts))
    assert (plugin.name, plugin.version, plugin.server) == ("other", "v9.8.7", "https://example.org")


def test_direct_packages_are_those_nobody_needs():
    packages = [
        Package(name="app", version="1", needs=frozenset({"library", "app"})),
        Package(name="library", version="1"),
    ]
    assert [package.name for package in direct(packages)] == ["app"]


def test_the_packages_of_an_interpreter():
    found = {package.name: package for package in installed(OURS)}
    assert found["pulumi-aws"].plugin["name"] == "aws"
    assert "pulumi" in found["pulumi-aws"].needs


@pytest.mark.parametrize(
    ("options", "interpreter"),
    [
        ({"virtualenv": "v"}, "/project/v/bin/python"),
        ({"virtualenv": "/elsewhere/v"}, "/elsewhere/v/bin/python"),
        ({"toolchain": "uv"}, "/project/.venv/bin/python"),
        ({}, sys.executable),
    ],
)
def test_options_decide_the_interpreter(options, interpreter):
    assert PythonRuntime.of("/project", options).interpreter == Path(interpreter)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"virtualenv": 3.0}, "virtualenv is 3.0"),
        ({"toolchain": "poetry"}, "toolchain is 'poetry'"),
        ({"typechecker": "pyre"}, "typechecker is 'pyre'"),
    ],
)
def test_an_option_that_cannot_be_followed_is_named(options, message):
    with pytest.raises(BadOption, match=message):
        PythonRuntime.of("/project", options)


def test_a_virtualenv_is_activated():
    runtime = PythonRuntime.of("/project", {"virtualenv": "v"})
    made = runtime.environment({"PATH": "/usr/bin", "PYTHONHOME": "/odd", "HOME": "/root"})
    assert made == {"PATH": "/project/v/bin:/usr/bin", "VIRTUAL_ENV": "/project/v", "HOME": "/root"}


def test_a_child_that_ignores_the_polite_signal_is_ended_all_the_same():
    children = Children()
    stubborn = "import signal, time; signal.signal(15, signal.SIG_IGN); print('up', flush=True); time.sleep(600)"
    child = children.start([sys.executable, "-c", stubborn], folder=None, environment=os.environ, piped=True)
    assert child.stdout.readline() == b"up\n"
    children.close()
    assert children.wait(child) == -signal.SIGKILL
    with pytest.raises(InterruptedError):
        children.start(["true"], folder=None, environment=os.environ)


def wait_until_gone(pid: int) -> None:
    wait_until(lambda: not Path(f"/proc/{pid}").exists(), f"the end of process {pid}")


def catches(pid: int, number: signal.Signals) -> bool:
    status = Path(f"/proc/{pid}/status").read_text()
    caught = next(line.split()[1] for line in status.splitlines() if line.startswith("SigCgt"))
    return bool(int(caught, 16) >> (number - 1) & 1)
