"""Text put together from other columns."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from string import Formatter

import pyarrow as pa
import pyarrow.compute as pc

from app.synthetic.chunks import Chunk
from app.synthetic.columns import Column, FromFields, Needed
from app.synthetic.errors import ImpossibleParameters, require

CASES: Mapping[str, Callable[[pa.Array], pa.Array]] = {
    "": lambda text: text,
    "lower": pc.utf8_lower,
    "upper": pc.utf8_upper,
    "title": pc.utf8_title,
}
PADDED = re.compile(r"0(\d{1,3})")


@dataclass(frozen=True, kw_only=True)
class Template(FromFields):
    """A text with other fields in braces: `{given} {family}`, `{code:upper}`, `{number:08}`.

    After a colon stands `lower`, `upper`, `title`, or a width to fill with zeros. A missing field makes a missing text.
    """

    text: str

    type = pa.string()

    def __post_init__(self) -> None:
        require(bool(self.needs), "text names no field in braces: for a fixed text there is the kind `constant`")
        for _, _, shape in self._parts:
            require(shape in CASES or bool(PADDED.fullmatch(shape)), f"{shape!r} is neither a width nor {list(CASES)}")

    @cached_property
    def needs(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(field for _, field, _ in self._parts if field))

    def make(self, chunk: Chunk, needed: Needed) -> pa.Array:
        texts = {field: _as_text(needed[field]) for field in self.needs}
        pieces: list[pa.Array | pa.Scalar] = []
        for literal, field, shape in self._parts:
            if literal:
                pieces.append(pa.scalar(literal))
            if field:
                pieces.append(_shaped(texts[field], shape))
        return pc.binary_join_element_wise(*pieces, "") if len(pieces) > 1 else pieces[0]

    @cached_property
    def _parts(self) -> tuple[tuple[str, str, str], ...]:
        """Literal text, the field after it (empty at the end), and how to show that."""
        try:
            parsed = list(Formatter().parse(self.text))
        except ValueError as error:
            raise ImpossibleParameters(f"text is no template: {error}") from None
        for _, field, _, conversion in parsed:
            require(field is None or field.isidentifier(), f"text has {{{field}}}: a field's name belongs in braces")
            require(conversion is None, f"text has !{conversion}: conversions are not known here")
        return tuple((literal, field or "", shape or "") for literal, field, shape, _ in parsed)


def _as_text(values: pa.Array) -> pa.Array:
    if pa.types.is_dictionary(values.type):
        return _as_text(values.dictionary).take(values.indices)
    return values if pa.types.is_string(values.type) else values.cast(pa.string())


def _shaped(text: pa.Array, shape: str) -> pa.Array:
    if padded := PADDED.fullmatch(shape):
        return pc.utf8_lpad(text, int(padded[1]), "0")
    return CASES[shape](text)


KINDS: Mapping[str, type[Column]] = {"template": Template}
