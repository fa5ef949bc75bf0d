"""Drawing texts out of a chain, all rows of a chunk together."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from app.synthetic.errors import CorpusTooSmall, ImpossibleParameters, require
from app.synthetic.pools import neighbours
from app.synthetic.text.chain import END, START, Chain, States
from app.synthetic.text.overlap import Overlap

TRIES = 50
"""How often a row whose sentence was refused is drawn anew."""
LONGEST = 1000
"""Words of a text, at most."""


def words(chain: Chain, rng: np.random.Generator, rows: int, *, count: int = 16) -> pa.StringArray:
    """A text of exactly `count` words for each row: sentences one after the other, the last one ended where it is.

    Raises ImpossibleParameters.
    """
    require(1 <= count <= LONGEST, f"words is {count}: it goes from 1 to {LONGEST}")
    drawn = np.empty((rows, count), dtype=np.int32)
    states = np.full(rows, START, dtype=np.intp)
    for place in range(count):
        states = chain.step(states, rng.random(rows))
        if (over := np.flatnonzero(states == END)).size:
            states[over] = chain.step(np.full(over.size, START, dtype=np.intp), rng.random(over.size))
        drawn[:, place] = chain.last_word[states]
    drawn[:, -1] += 2 * len(chain.vocabulary)
    return neighbours(chain.forms.take(pa.array(drawn.reshape(-1))), slice(None, None, count))


def sentences(
    chain: Chain,
    rng: np.random.Generator,
    rows: int,
    *,
    least: int = 4,
    most: int = 30,
    overlap: Overlap | None = None,
) -> pa.StringArray:
    """A whole sentence of `least` to `most` words for each row; with `overlap`, none that repeats the corpus.

    Raises ImpossibleParameters, and CorpusTooSmall where the chain does not lead to such a sentence in TRIES tries.
    """
    require(1 <= least <= most <= LONGEST, f"least is {least} and most {most}: 1 <= least <= most <= {LONGEST}")
    if overlap is not None and not len(chain.corpus):
        raise ImpossibleParameters("overlap cannot be told: the chain was saved without its corpus")
    drawn = np.empty((rows, most), dtype=np.int32)
    lengths = np.zeros(rows, dtype=np.intp)
    missing = np.arange(rows)
    for _ in range(TRIES):
        found, size = _walk(chain, rng, missing.size, most)
        good = (size >= least) & (size <= most)
        if overlap is not None:
            good[good] = ~overlap.repeats(chain, found[good], size[good])
        drawn[missing[good], : found.shape[1]], lengths[missing[good]] = found[good], size[good]
        missing = missing[~good]
        if not missing.size:
            return _joined(chain, drawn, lengths)
    raise CorpusTooSmall(
        f"{missing.size} of {rows} sentences of {least} to {most} words were not found in {TRIES} tries: "
        "allow more overlap or other lengths, or give it more text"
    )


def _walk(chain: Chain, rng: np.random.Generator, rows: int, most: int) -> tuple[NDArray[np.int32], States]:
    """Words of a sentence for each row, as many columns as the longest has, and how many they are.

    They are `most` + 1 where it is not over by then.
    """
    drawn = np.zeros((most + 1, rows), dtype=np.int32)
    lengths = np.full(rows, most + 1, dtype=np.intp)
    under_way = np.arange(rows)
    states = np.full(rows, START, dtype=np.intp)
    for place in range(most + 1):
        states = chain.step(states, rng.random(under_way.size))
        on = states != END
        lengths[under_way[~on]] = place
        under_way, states = under_way[on], states[on]
        drawn[place, under_way] = chain.last_word[states]
        if not under_way.size:
            break
    return drawn[: min(place, most)].T, lengths


def _joined(chain: Chain, drawn: NDArray[np.int32], lengths: States) -> pa.StringArray:
    longest = int(lengths.max(initial=0))
    numbers = drawn[:, :longest][np.arange(longest) < lengths[:, np.newaxis]]
    numbers[np.cumsum(lengths) - 1] += len(chain.vocabulary)
    return _together(chain.forms.take(pa.array(numbers)), lengths)


def _together(texts: pa.StringArray, lengths: NDArray[np.intp]) -> pa.StringArray:
    """So many neighbours at a time as one text."""
    return neighbours(texts, np.concatenate([[0], np.cumsum(lengths)]))
