"""Typed options of controls: which regions are allowed, how many days are enough."""

from __future__ import annotations

from typing import Any

from policies.documents import Part


class Options(Part):
    """The base of every control's options; the configuration writes them in camelCase, and each has a default."""

    @classmethod
    def names(cls) -> frozenset[str]:
        """Return the options as the configuration writes them."""
        return frozenset(field.alias or name for name, field in cls.model_fields.items())

    @classmethod
    def schema_properties(cls) -> dict[str, dict[str, Any]]:
        """Return the JSON schema of each option, for the engine to check and to show."""
        properties: dict[str, dict[str, Any]] = cls.model_json_schema(by_alias=True).get("properties", {})
        return {name: {k: v for k, v in schema.items() if k != "title"} for name, schema in properties.items()}
