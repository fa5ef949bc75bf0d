"""Text as columns of a schema."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pyarrow as pa

from app.synthetic.chunks import Chunk
from app.synthetic.columns import Column, Needed
from app.synthetic.errors import require
from app.synthetic.text.chain import Chain
from app.synthetic.text.overlap import Overlap
from app.synthetic.text.training import train_file
from app.synthetic.text.writing import LONGEST, sentences, words

MESSAGES = "messages"
"""Messages between customers and their banks."""


@dataclass(frozen=True, kw_only=True)
class Words(Column):
    """So many words of running text, by a chain of `order` words; `corpus` ships or is a text file in UTF-8."""

    words: int = 16
    corpus: str = MESSAGES
    order: int = 2

    type = pa.string()

    def __post_init__(self) -> None:
        require(1 <= self.words <= LONGEST, f"words is {self.words}: it goes from 1 to {LONGEST}")
        _chain(self.corpus, self.order)

    def make(self, chunk: Chunk, needed: Needed) -> pa.Array:
        return words(_chain(self.corpus, self.order), chunk.rng(), chunk.rows, count=self.words)


@dataclass(frozen=True, kw_only=True)
class Sentence(Column):
    """A whole sentence of `least` to `most` words; with `original`, none that repeats much of the corpus."""

    least: int = 4
    most: int = 30
    corpus: str = MESSAGES
    order: int = 2
    original: bool = False

    type = pa.string()

    def __post_init__(self) -> None:
        require(
            1 <= self.least <= self.most <= LONGEST,
            f"least is {self.least} and most {self.most}: 1 <= least <= most <= {LONGEST}",
        )
        _chain(self.corpus, self.order)

    def make(self, chunk: Chunk, needed: Needed) -> pa.Array:
        return sentences(
            _chain(self.corpus, self.order),
            chunk.rng(),
            chunk.rows,
            least=self.least,
            most=self.most,
            overlap=Overlap() if self.original else None,
        )


def _chain(corpus: str, order: int) -> Chain:
    """Train when the schema is read, so that a bad corpus fails before the first row."""
    return train_file(corpus, order=order)


KINDS: Mapping[str, type[Column]] = {"text.words": Words, "text.sentence": Sentence}
