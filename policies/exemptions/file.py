"""Exemptions in a YAML file: a list of entries, each judged for itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from policies.documents import first_problem, load_yaml, on_one_line
from policies.exemptions.exemption import Exemption, Origin
from policies.exemptions.exemptions import Exemptions, Problem


def read_exemptions(path: Path) -> Exemptions:
    """The file's exemptions. A file or entry that cannot be understood exempts nothing and is a problem."""
    try:
        document = load_yaml(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        return Exemptions(problems=(Problem(str(path), f"cannot be read: {on_one_line(error)}"),))
    if document is None:
        return Exemptions()
    if not isinstance(document, list):
        return Exemptions(problems=(Problem(str(path), "must be a list of exemptions"),))
    return parsed(document, str(path), "file")


def parsed(document: list[Any], where: str, origin: Origin) -> Exemptions:
    """Entries that were read from somewhere; `where` is for messages."""
    entries, problems = [], []
    for number, entry in enumerate(document, start=1):
        try:
            given = {**entry, "origin": origin} if isinstance(entry, dict) else entry
            entries.append(Exemption.model_validate(given))
        except ValidationError as error:
            problems.append(Problem(f"{where}, entry {number}", first_problem(error)))
    return Exemptions(tuple(entries), tuple(problems))
