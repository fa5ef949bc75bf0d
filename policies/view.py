"""A typed, safe view of an object among a resource's properties.

Every question has one of three ends: an answer, the given default where the property is absent or null, or the signal
Undeterminable where the value is unknown, hidden, or of another kind than asked for.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

from policies.values import Hidden, Undeterminable, WrongShape, is_secret, unwrap

Kind = TypeVar("Kind")


@dataclass(frozen=True, eq=False, kw_only=True)
class View:
    """Paths are wire names joined by dots: `settings.ipConfiguration.sslMode`."""

    value: Any
    """The object as the engine wrote it."""
    path: str = ""
    """Where it stands in the resource, for messages."""

    def text(self, path: str, default: str = "") -> str:
        """Return a text; a number or truth value becomes the text that the providers take it for."""
        where, value = self._at(path)
        return default if value is None else _text(value, where)

    def flag(self, path: str, default: bool = False) -> bool:
        """Return a truth value, also as the text `true` or `false`."""
        where, value = self._at(path)
        if value is None:
            return default
        if isinstance(value, str) and value.lower() in ("true", "false"):
            return value.lower() == "true"
        return _of_kind(bool, value, where, "a truth value")

    def number(self, path: str, default: float = 0) -> float:
        """Return a number, also as text; whole ones come as int, for the engine sends all as floats."""
        where, value = self._at(path)
        if value is None:
            return default
        if isinstance(value, str):
            value = _parse_number(value)
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise WrongShape(where, "a number", value)
        return _whole(value)

    def has(self, path: str) -> bool:
        """Tell whether a text, such as the name of a key, is there and not empty."""
        return bool(self.text(path))

    def exists(self, path: str) -> bool:
        """Tell whether anything is there, of whatever kind: so it proves nothing about its value."""
        return self._at(path)[1] is not None

    def is_given(self, path: str) -> bool:
        """Tell whether anything is there, also a secret that cannot be read here: ciphertext exists."""
        try:
            return self.exists(path)
        except Hidden:
            return True

    def known(self, path: str) -> bool:
        """Tell whether the property can be read, or is known to be absent."""
        try:
            self._at(path)
        except Undeterminable:
            return False
        return True

    def is_secret(self, path: str) -> bool:
        """Tell whether the property, or an object that it stands in, is marked as secret; never signals."""
        value = self.value
        for name in ("", *path.split(".")):
            try:
                value = value.get(name) if name else value
                if is_secret(value):
                    return True
                value = unwrap(value, path)
            except (Undeterminable, AttributeError):
                return False
        return False

    def object(self, path: str) -> View:
        """Return the object at `path`; an empty one where there is none, as if each of its properties were absent."""
        where, value = self._at(path)
        return View(value=_of_kind(dict, {} if value is None else value, where, "an object"), path=where)

    def objects(self, path: str, *, alone: bool = False) -> tuple[View, ...]:
        """Return the objects of a list, empty where there is none; lists on the way are passed over.

        With `alone`, as policy documents have it, one object counts as a list of it.
        """
        items = self._items(path, alone, "a list of objects")
        return tuple(View(value=_of_kind(dict, item, where, "an object"), path=where) for where, item in items)

    def texts(self, path: str, *, alone: bool = False) -> tuple[str, ...]:
        """Return the texts of a list, empty where there is none; lists on the way are passed over.

        With `alone`, as policy documents have it, one text counts as a list of it.
        """
        return tuple(_text(item, where) for where, item in self._items(path, alone, "a list of texts"))

    def table(self, path: str) -> dict[str, str]:
        """Return a map of texts such as tags or labels, whose keys may hold dots."""
        table = self.object(path)
        return {key: View(value={"_": value}, path=f"{table.path}[{key}]").text("_") for key, value in table.entries()}

    def document(self, path: str) -> View:
        """An object that is given as JSON text, such as an IAM policy, or as an object."""
        where, value = self._json_at(path)
        return View(value=_of_kind(dict, {} if value in (None, "") else value, where, "a document"), path=where)

    def documents(self, path: str) -> tuple[View, ...]:
        """Return the objects of a list that is given as JSON text, such as ECS container definitions, or as a list."""
        where, value = self._json_at(path)
        items = enumerate(_of_kind(list, [] if value in (None, "") else value, where, "a list"))
        return tuple(
            View(value=_of_kind(dict, one, f"{where}[{n}]", "an object"), path=f"{where}[{n}]") for n, one in items
        )

    def entries(self) -> Iterator[tuple[str, Any]]:
        """Yield the object's own properties, raw, without nulls and the engine's `__` keys."""
        value = _of_kind(dict, unwrap(self.value, self.path), self.path, "an object")
        for key, item in value.items():
            if item is not None and not key.startswith("__"):
                yield key, item

    def _at(self, path: str) -> tuple[str, Any]:
        """Return the path from the resource's root and the unwrapped value there, None where nothing is."""
        where, value = self.path, unwrap(self.value, self.path)
        for name in path.split("."):
            if value is None:
                break
            value = _of_kind(dict, value, where, "an object").get(name)
            where = f"{where}.{name}" if where else name
            value = unwrap(value, where)
        return f"{self.path}.{path}" if self.path else path, value

    def _json_at(self, path: str) -> tuple[str, Any]:
        where, value = self._at(path)
        if not isinstance(value, str) or not value:
            return where, value
        try:
            return where, json.loads(value)
        except json.JSONDecodeError:
            raise WrongShape(where, "a JSON document", value) from None

    def _items(self, path: str, alone: bool, expected: str) -> Iterator[tuple[str, Any]]:
        """Yield everything at `path`, through lists; an unknown item raises Unknown."""
        found = [(self.path, unwrap(self.value, self.path))]
        for name in path.split("."):
            below = [
                (f"{where}.{name}" if where else name, _of_kind(dict, value, where, "an object").get(name))
                for where, value in found
            ]
            found = [item for where, value in below for item in _spread(where, value)]
        for where, value in found:
            if not alone and "[" not in where.removeprefix(self.path):
                raise WrongShape(where, expected, value)
            yield where, value


def _spread(where: str, value: Any) -> Iterator[tuple[str, Any]]:
    value = unwrap(value, where)
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from _spread(f"{where}[{index}]", item)
    elif value is not None:
        yield where, value


def _of_kind(kind: type[Kind], value: Any, where: str, expected: str) -> Kind:
    if not isinstance(value, kind):
        raise WrongShape(where, expected, value)
    return value


def _text(value: Any, where: str) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(_whole(value)) if isinstance(value, int | float) else _of_kind(str, value, where, "text")


def _whole(number: float) -> float:
    return int(number) if isinstance(number, float) and number.is_integer() else number


def _parse_number(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text
