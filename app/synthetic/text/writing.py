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
"""Redraws of a row whose sentence was refused, at most."""
LONGEST = 1000
"""Words of a text, at most."""


def words(chain: Chain, rng: np.random.Generator, rows: int, *, count: int = 16) -> pa.StringArray:
    """Write a text of exactly `count` words for each row; the last sentence is cut.

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
    """Write a sentence of `least` to `most` words for each row; with `overlap`, none repeats the corpus.

    Raises ImpossibleParameters, and CorpusTooSmall where the chain does not lead to such a sentence in TRIES tries.
    """
    require(1 <= least <= most <= LONGEST, f"least is {least} and most {most}: 1 <= least <= most <= {LONGEST}")
    if overlap is not None and not len(chain.corpus):
        raise ImpossibleParameters("overlap cannot be told: the chain was saved without its corpus")
    said: list[NDArray[np.int32]] = []
    begins, lengths = np.zeros(rows, dtype=np.intp), np.zeros(rows, dtype=np.intp)
    missing = np.arange(rows)
    for _ in range(TRIES):
        words, size = _walk(chain, rng, missing.size, most)
        good = (size >= least) & (size <= most)
        if overlap is not None:
            good[good] = ~overlap.repeats(chain, _matrix(words, size)[good], size[good])
        begins[missing[good]] = (sum(map(len, said)) + np.cumsum(size) - size)[good]
        lengths[missing[good]] = size[good]
        said.append(words)
        missing = missing[~good]
        if not missing.size:
            return _joined(chain, np.concatenate(said), begins, lengths)
    raise CorpusTooSmall(
        f"{missing.size} of {rows} sentences of {least} to {most} words were not found in {TRIES} tries: "
        "allow more overlap or other lengths, or give it more text"
    )


def _walk(chain: Chain, rng: np.random.Generator, rows: int, most: int) -> tuple[NDArray[np.int32], States]:
    """Draw the words of a sentence for each row, concatenated, and their numbers: `most` + 1 for sentences too long."""
    steps: list[tuple[States, States]] = []
    lengths = np.full(rows, most + 1, dtype=np.intp)
    under_way = np.arange(rows)
    states = np.full(rows, START, dtype=np.intp)
    for place in range(most + 1):
        states = chain.step(states, rng.random(under_way.size))
        over = states == END
        if over.any():
            lengths[under_way[over]] = place
            on = np.flatnonzero(~over)
            under_way, states = under_way[on], states[on]
        if not under_way.size:
            break
        steps.append((under_way, states))
    words = np.empty(lengths.sum(), dtype=np.int32)
    places = np.cumsum(lengths) - lengths
    for place, (row, state) in enumerate(steps):
        words[places[row] + place] = chain.last_word[state]
    return words, lengths


def _matrix(words: NDArray[np.int32], lengths: States) -> NDArray[np.int32]:
    """Return one row of words for each sentence, padded with zeros."""
    texts = np.zeros((len(lengths), int(lengths.max(initial=0))), dtype=np.int32)
    texts[np.arange(texts.shape[1]) < lengths[:, np.newaxis]] = words
    return texts


def _joined(chain: Chain, words: NDArray[np.int32], begins: States, lengths: States) -> pa.StringArray:
    """Return the sentences that begin at these places of `words`."""
    ends = np.cumsum(lengths)
    which = np.repeat(begins - (ends - lengths), lengths)
    which += np.arange(len(which))
    numbers = words[which]
    numbers[ends - 1] += len(chain.vocabulary)
    return neighbours(chain.forms.take(pa.array(numbers)), np.concatenate([[0], ends]))
