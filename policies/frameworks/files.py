"""Framework files: `policies/frameworks/<id>.yaml`."""

from __future__ import annotations

import functools
from pathlib import Path

import yaml
from pydantic import ValidationError

from policies.frameworks.framework import BadFramework, Framework

FOLDER = Path(__file__).parent
FRAMEWORKS = ("soc2", "iso27001", "gdpr", "pci_dss")


class _Loader(yaml.SafeLoader):
    """YAML that refuses to give one key twice instead of forgetting the first."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[object, object]:
        mapping = super().construct_mapping(node, deep=deep)
        if len(mapping) < len(node.value):
            raise yaml.constructor.ConstructorError(problem="a key stands here twice", problem_mark=node.start_mark)
        return mapping


@functools.cache
def framework(id_: str) -> Framework:
    """One of the four; raises BadFramework for any other id."""
    if id_ not in FRAMEWORKS:
        raise BadFramework(f"{id_} is no known framework: there are {', '.join(FRAMEWORKS)}")
    return read_framework(FOLDER / f"{id_}.yaml")


def read_framework(path: Path) -> Framework:
    """A framework file; raises BadFramework."""
    try:
        read = Framework.model_validate(yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader))  # noqa: S506
    except (OSError, yaml.YAMLError) as error:
        raise BadFramework(f"{path}: {' '.join(str(error).split())}") from error
    except ValidationError as error:
        problem = error.errors()[0]
        where = ".".join(str(part) for part in problem["loc"])
        raise BadFramework(f"{path}: {where}: {problem['msg']}") from error
    if read.id != path.stem:
        raise BadFramework(f"{path}: its id is {read.id}, but must be its file's name")
    return read
