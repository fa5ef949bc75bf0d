"""What the engine can do with our language host: the real engine, tiny programs."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import sysconfig
import time
from pathlib import Path

import pytest

from tests.waiting import wait_until

pytestmark = pytest.mark.engine
in_full = pytest.mark.full
"""For what tests/localcloud/provider/test_lifecycle_engine.py shows in every run, with the emulators."""

ONE_THING = """
import pulumi
from tiny import Thing

thing = Thing("one", size=pulumi.Config().get_int("size") or 1)
pulumi.export("size", thing.size)
"""
PACK = """
import pulumi
from pulumi_policy import *

def check(args, report):
    {body}

PolicyPack("pack", enforcement_level=EnforcementLevel.MANDATORY, policies=[
    ResourceValidationPolicy("policy", "Things are small", check),
])
"""


@in_full
def test_a_resource_lives_from_up_to_destroy(project):
    project.program(ONE_THING)
    assert "+ 2 created" in project.ok("up", "--yes", "--skip-preview")
    assert project.outputs() == {"size": 1}
    assert "2 unchanged" in project.ok("preview", "--expect-no-changes")

    project.ok("config", "set", "size", "2")
    assert "~ 1 updated" in project.ok("up", "--yes", "--skip-preview")
    assert json.loads((project.things / "one.json").read_text()) == {"size": 2}

    assert "- 2 deleted" in project.ok("destroy", "--yes", "--skip-preview")
    assert list(project.things.iterdir()) == []


@in_full
def test_refresh_sees_drift_and_up_repairs_it(project):
    project.program(ONE_THING)
    project.ok("up", "--yes", "--skip-preview")
    (project.things / "one.json").write_text('{"size": 99}')
    project.ok("refresh", "--yes", "--skip-preview")
    assert project.resources()["one"]["outputs"] == {"size": 99}
    project.ok("up", "--yes", "--skip-preview")
    assert json.loads((project.things / "one.json").read_text()) == {"size": 1}


@in_full
def test_an_existing_thing_can_be_imported(project):
    project.program("")
    (project.things / "old.json").write_text('{"size": 7}')
    project.ok(
        "import",
        "tiny:index:Thing",
        "adopted",
        "old",
        "--yes",
        "--skip-preview",
        "--generate-code=false",
        "--protect=false",
    )
    adopted = project.resources()["adopted"]
    assert (adopted["id"], adopted["inputs"]) == ("old", {"size": 7})


def test_a_dynamic_provider_runs(project):
    project.program(
        """
        import pulumi
        from pulumi.dynamic import CreateResult, Resource, ResourceProvider

        class Doubler(ResourceProvider):
            def create(self, props):
                return CreateResult("doubled", {"size": props["size"] * 2})

        class Doubled(Resource):
            size: pulumi.Output[int]

            def __init__(self, name, size):
                super().__init__(Doubler(), name, {"size": size})

        pulumi.export("size", Doubled("two", 4).size)
        """
    )
    project.ok("up", "--yes", "--skip-preview")
    assert project.outputs() == {"size": 8}
    project.ok("destroy", "--yes", "--skip-preview")


def test_a_mandatory_policy_stops_a_resource_before_it_exists(project):
    project.program(ONE_THING)
    option = project.policies(PACK.format(body="if args.props.get('size') == 1: report(f'{args.name} is too small')"))
    answer = project.run("up", "--yes", "--skip-preview", option)
    assert answer.returncode != 0
    assert "one is too small" in answer.stdout
    assert list(project.things.iterdir()) == []


def test_a_policy_knows_its_stack_and_its_configuration(project):
    project.program(ONE_THING)
    project.ok("config", "set", "limit", "5")
    option = project.policies(
        PACK.format(
            body='report(f\'{pulumi.get_project()}/{pulumi.get_stack()} {pulumi.Config("tiny").get_int("limit")}\')'
        )
    )
    assert "tiny/test 5" in project.run("preview", option).stdout


def test_a_stack_policy_judges_the_whole(project):
    project.program("from tiny import Thing\nfor name in ('a', 'b', 'c'): Thing(name, size=1)\n")
    option = project.policies(
        """
        from pulumi_policy import *

        def check(args, report):
            things = [resource for resource in args.resources if resource.resource_type == "tiny:index:Thing"]
            report(f"there are {len(things)} things")

        PolicyPack("pack", enforcement_level=EnforcementLevel.MANDATORY, policies=[
            StackValidationPolicy("policy", "No things", check),
        ])
        """
    )
    answer = project.run("preview", option)
    assert answer.returncode != 0
    assert "there are 3 things" in answer.stdout


def test_a_policy_remediates(project):
    project.program(ONE_THING)
    option = project.policies(
        """
        from pulumi_policy import *

        PolicyPack("pack", enforcement_level=EnforcementLevel.REMEDIATE, policies=[
            ResourceValidationPolicy("policy", "Things are large", remediate=lambda args: {**args.props, "size": 12}),
        ])
        """
    )
    project.ok("up", "--yes", "--skip-preview", option)
    assert json.loads((project.things / "one.json").read_text()) == {"size": 12}


def test_a_broken_policy_pack_says_why(project):
    project.program(ONE_THING)
    answer = project.run("preview", project.policies("raise ValueError('this pack is broken')"))
    assert answer.returncode != 0
    assert "this pack is broken" in answer.stdout


def test_an_error_in_the_program_is_shown_once(project):
    project.program("def build():\n    raise ValueError('nothing fits')\n\nbuild()\n")
    answer = project.run("preview")
    assert answer.returncode != 0
    assert answer.stdout.count("Traceback (most recent call last)") == 1
    assert answer.stdout.count("ValueError: nothing fits") == 1
    assert "tools/engine/language_host" not in answer.stdout


def test_a_program_that_just_exits_is_an_error_with_its_code(project):
    project.program("import sys; sys.exit(3)")
    answer = project.run("preview")
    assert answer.returncode != 0
    assert "non-zero exit code: 3" in answer.stdout


@pytest.mark.parametrize("with_policies", [False, True], ids=["a program", "a program under policies"])
def test_an_interrupt_ends_at_once_and_without_a_traceback(project, with_policies):
    project.program(
        """
        import pathlib, time
        from tiny import Thing
        Thing("one", size=1).size.apply(lambda _: (pathlib.Path("started").touch(), time.sleep(600)))
        """
    )
    options = [project.policies(PACK.format(body="pass"))] if with_policies else []
    with project.start("up", "--yes", "--skip-preview", *options) as process:
        wait_until((project.folder / "started").exists, "the program to start")
        before = time.monotonic()
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=30)
        took = time.monotonic() - before
    assert process.returncode != 0
    assert "Traceback" not in output
    assert "KeyboardInterrupt" not in output
    assert took < 2


def test_the_virtualenv_option_decides_the_interpreter(project):
    venv = project.folder / "own-venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", venv], check=True)
    packages = next(venv.glob("lib/python*/site-packages"))
    (packages / "shared.pth").write_text(sysconfig.get_path("purelib") + "\n")
    project.write("Pulumi.yaml", "name: tiny\nruntime: {name: python, options: {virtualenv: own-venv}}\n")
    project.program("import pulumi, sys; pulumi.export('prefix', sys.prefix)")
    project.ok("up", "--yes", "--skip-preview")
    assert Path(project.outputs()["prefix"]).samefile(venv)


def test_a_missing_virtualenv_is_one_clear_line(project):
    project.write("Pulumi.yaml", "name: tiny\nruntime: {name: python, options: {virtualenv: nowhere}}\n")
    project.program("")
    answer = project.run("preview")
    assert answer.returncode != 0
    assert f"runtime option virtualenv names {project.folder / 'nowhere'}, which holds no Python" in answer.stdout
    assert "Traceback" not in answer.stdout


def test_a_program_in_a_subfolder_runs_on_the_projects_virtualenv(project):
    project.write("Pulumi.yaml", "name: tiny\nmain: inside\nruntime: python\n")
    project.write("inside/__main__.py", "import os, pulumi; pulumi.export('folder', os.getcwd())")
    project.ok("up", "--yes", "--skip-preview")
    assert project.outputs()["folder"] == str(project.folder / "inside")


def test_the_engine_knows_what_a_project_runs_on(project):
    project.program("")
    about = json.loads(project.ok("about", "--transitive", "--json"))
    assert about["runtime"]["language"] == "python"
    assert {"pulumi", "pulumi-policy"} <= {dependency["name"] for dependency in about["dependencies"]}
