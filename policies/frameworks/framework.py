"""Frameworks and their requirements, read from `policies/frameworks/<id>.yaml`."""

from __future__ import annotations

import functools
import re
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError, model_validator

from policies.documents import first_problem, load_yaml, on_one_line
from policies.verdicts import Status

Said = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]


class BadFramework(Exception):
    """A framework file that does not keep to the format, or a framework that there is none of; says where and what."""


class Requirement(BaseModel):
    """One requirement: exactly one of the last three is given."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: Said
    """Short, in our own words."""
    automated: Literal[True] | None = None
    """Checks give evidence for it."""
    organisational: Said | None = None
    """People and procedures fulfil it; what would show it."""
    not_assessed: Said | None = None
    """Technology could show it, but not the resources that are checked; why."""

    @model_validator(mode="after")
    def _one_answer(self) -> Requirement:
        if sum(answer is not None for answer in (self.automated, self.organisational, self.not_assessed)) != 1:
            raise ValueError("needs exactly one of automated, organisational and not_assessed")
        return self

    @property
    def status(self) -> Status | None:
        """Its verdict where no check is needed for it; None where its checks decide."""
        if self.organisational:
            return Status.ORGANISATIONAL
        return Status.NOT_ASSESSED if self.not_assessed else None

    @property
    def reason(self) -> str:
        """Return why no check decides, or nothing."""
        return self.organisational or self.not_assessed or ""


class Framework(BaseModel):
    """All requirements, in the framework's own order."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    name: Said
    edition: Said
    unit: Said
    """What its requirements are called: criteria, controls, sections, articles."""
    requirements: dict[str, Requirement]

    @model_validator(mode="before")
    @classmethod
    def _ids_are_texts(cls, given: Any) -> Any:
        requirements = given.get("requirements") if isinstance(given, dict) else None
        for id_ in requirements if isinstance(requirements, dict) else ():
            if not isinstance(id_, str):
                raise ValueError(f"the id {id_} is no text: put it in quotes")
        return given

    def requirement_of(self, id_: str) -> str | None:
        """Return the requirement that an id of a control means: its own, or the one that a finer id is part of."""
        if id_ in self.requirements:
            return id_
        coarser = re.sub(r"(\.\d+|\([^)]*\))$", "", id_).strip()
        return None if coarser == id_ else self.requirement_of(coarser)


FOLDER = Path(__file__).parent
FRAMEWORKS = ("soc2", "iso27001", "gdpr", "pci_dss")


@functools.cache
def framework(id_: str) -> Framework:
    """One of the four; raises BadFramework for any other id."""
    if id_ not in FRAMEWORKS:
        raise BadFramework(f"{id_} is no known framework: there are {', '.join(FRAMEWORKS)}")
    return read_framework(FOLDER / f"{id_}.yaml")


def read_framework(path: Path) -> Framework:
    """Read a framework file; raises BadFramework."""
    try:
        read = Framework.model_validate(load_yaml(path.read_text(encoding="utf-8")))
    except (OSError, yaml.YAMLError) as error:
        raise BadFramework(f"{path}: {on_one_line(error)}") from error
    except ValidationError as error:
        raise BadFramework(f"{path}: {first_problem(error)}") from error
    if read.id != path.stem:
        raise BadFramework(f"{path}: its id is {read.id}, but must be its file's name")
    return read
