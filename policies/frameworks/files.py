"""Framework files: `policies/frameworks/<id>.yaml`."""

from __future__ import annotations

import functools
from pathlib import Path

import yaml
from pydantic import ValidationError

from policies.documents import first_problem, load_yaml, on_one_line
from policies.frameworks.framework import BadFramework, Framework

FOLDER = Path(__file__).parent
FRAMEWORKS = ("soc2", "iso27001", "gdpr", "pci_dss")


@functools.cache
def framework(id_: str) -> Framework:
    """One of the four; raises BadFramework for any other id."""
    if id_ not in FRAMEWORKS:
        raise BadFramework(f"{id_} is no known framework: there are {', '.join(FRAMEWORKS)}")
    return read_framework(FOLDER / f"{id_}.yaml")


def read_framework(path: Path) -> Framework:
    """A framework file; raises BadFramework."""
    try:
        read = Framework.model_validate(load_yaml(path.read_text(encoding="utf-8")))
    except (OSError, yaml.YAMLError) as error:
        raise BadFramework(f"{path}: {on_one_line(error)}") from error
    except ValidationError as error:
        raise BadFramework(f"{path}: {first_problem(error)}") from error
    if read.id != path.stem:
        raise BadFramework(f"{path}: its id is {read.id}, but must be its file's name")
    return read
