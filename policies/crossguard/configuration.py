"""What a pack is told by its configuration: how strictly each control is enforced, and its options.

{"all": {"strict": true, "allowedRegions": ["eu-west-1"]}, "BKP-001": {"minimumDays": 35}, "ENC-001": "advisory"}
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import Field, ValidationError

from policies.control import Control
from policies.options import ALL, BadConfiguration, Options, read_options
from policies.severity import CRITICAL, HIGH


class Level(enum.Enum):
    """What a violation does to an update."""

    ADVISORY = "advisory"
    MANDATORY = "mandatory"
    REMEDIATE = "remediate"
    """Fix it where there is a fix, and be mandatory for the rest."""
    DISABLED = "disabled"


class PackOptions(Options):
    """What `all` may say besides the options of controls."""

    strict: bool = Field(False, description="Whether what cannot be determined blocks a preview too")
    allow_replacement: bool = Field(False, description="Whether fixes may be applied that could replace the resource")
    exemptions: str = Field("", description="The exemptions file, absolute or relative to the pack's folder")
    baseline: str = Field("", description="The baseline file, absolute or relative to the pack's folder")


@dataclass(frozen=True)
class Configuration:
    """The whole, checked."""

    levels: Mapping[str, Level] = field(default_factory=dict)
    options: Mapping[str, Options] = field(default_factory=dict)
    pack: PackOptions = field(default_factory=PackOptions)

    def level(self, control: Control) -> Level:
        """How strictly a control is enforced."""
        return self.levels.get(control.id) or default_level(control)


def default_level(control: Control) -> Level:
    """Critical and high violations block; the others warn."""
    return Level.MANDATORY if control.severity in (CRITICAL, HIGH) else Level.ADVISORY


def read_configuration(
    controls: Iterable[Control],
    levels: Mapping[str, Level],
    properties: Mapping[str, Mapping[str, Any]],
    others: frozenset[str],
) -> Configuration:
    """The configuration that the engine hands over; raises BadConfiguration.

    `others` are names that the pack itself reports under; they have a level and no options.
    """
    controls = tuple(controls)
    names = PackOptions.names()
    given = {name: _whole_numbers(values) for name, values in properties.items() if name not in others}
    try:
        pack = PackOptions.model_validate({name: v for name, v in given.get(ALL, {}).items() if name in names})
    except ValidationError as error:
        problem = error.errors()[0]
        raise BadConfiguration(f"all: {'.'.join(map(str, problem['loc']))}: {problem['msg']}") from None
    return Configuration(levels, read_options(controls, given, names), pack)


def _whole_numbers(value: Any) -> Any:
    """The engine hands all numbers over as floats."""
    if isinstance(value, Mapping):
        return {name: _whole_numbers(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_whole_numbers(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value
