"""A framework and its requirements."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, StringConstraints, model_validator

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
        """Why no check decides, or nothing."""
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
        """The requirement that an id of a control means: its own, or the one that a finer id is part of."""
        if id_ in self.requirements:
            return id_
        coarser = re.sub(r"(\.\d+|\([^)]*\))$", "", id_).strip()
        return None if coarser == id_ else self.requirement_of(coarser)
