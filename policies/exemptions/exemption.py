"""One exemption: a check that need not pass on some resources, for a reason and for a time."""

from __future__ import annotations

import datetime
import re
from fnmatch import fnmatchcase
from typing import Annotated, Literal, TypeAlias

from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints

Said: TypeAlias = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
Origin: TypeAlias = Literal["file", "code", "baseline"]


def _narrow(glob: str) -> str:
    if not re.search(r"[^*?:]", glob):
        raise ValueError("must say more than `*`: name a stack, a type or a resource")
    return glob


class Exemption(BaseModel):
    """As written, by whom, and until when."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    check: Said
    """The control's id, such as NET-003."""
    urn: Annotated[Said, AfterValidator(_narrow)]
    """The resources, as a glob over their URNs: `*::aws:rds/instance:Instance::reports-*`."""
    owner: Said
    """Who answers for it."""
    reason: Annotated[str, StringConstraints(strip_whitespace=True, min_length=10)]
    """Why the risk is taken, in a sentence."""
    ticket: Said
    """Where that was decided."""
    expires: datetime.date
    """The last day on which it holds."""
    origin: Origin = "file"

    def is_active(self, today: datetime.date) -> bool:
        """Whether it still holds; the same answer for enforcement and for reports."""
        return today <= self.expires

    def covers(self, check: str, urn: str) -> bool:
        """Whether it is meant for this check on this resource."""
        return check == self.check and fnmatchcase(urn, self.urn)

    @property
    def summary(self) -> str:
        """In one line: until when, by whom, why."""
        return f"until {self.expires} by {self.owner} ({self.ticket}): {self.reason}"
