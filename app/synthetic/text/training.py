"""Train a chain: split a corpus into sentences, and count what follows what."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from itertools import chain as joined
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from app.synthetic.errors import CorpusTooSmall, SyntheticError, UnknownName, require
from app.synthetic.text.chain import CLOSERS, END, FULL_STOPS, START, Chain, States

CORPORA = Path(__file__).parent / "corpus"
LARGEST_ORDER = 5
_BEFORE, _AFTER = -2, -1
"""What stands, as if they were words, before a sentence's first word and after its last one."""
_PARAGRAPHS = re.compile(r"\n\s*\n")
_ENDS = re.compile(f"[{FULL_STOPS}][{re.escape(CLOSERS)}]*$")
_INITIAL = re.compile(r"^[A-Z]\.$")
_ABBREVIATIONS = frozenset(
    ["mr.", "mrs.", "ms.", "dr.", "prof.", "nos.", "vs.", "e.g.", "i.e.", "approx.", "dept.", "est.", "tel.", "p.s."]
)
"""What ends with a full stop and, before a word with a capital, still does not end a sentence."""


class UnknownCorpus(UnknownName):
    """No corpus of that name ships, and no file has that name."""


class UnreadableCorpus(SyntheticError):
    """A corpus is no text in UTF-8, or cannot be read."""


def train(text: str, *, order: int = 2, place: str = "corpus") -> Chain:
    """Train a chain on a corpus; raise CorpusTooSmall and ImpossibleParameters."""
    require(1 <= order <= LARGEST_ORDER, f"order is {order}: it goes from 1 to {LARGEST_ORDER}")
    sentences = list(split_sentences(text))
    if len({words[0] for words in sentences}) < 2:
        known = f"{len(sentences)} sentence{'s' * (len(sentences) != 1)}"
        raise CorpusTooSmall(f"it has {known}, and a chain needs two that begin differently", place=place)
    vocabulary, numbers = np.unique(np.array(list(joined.from_iterable(sentences))), return_inverse=True)
    lengths = np.fromiter(map(len, sentences), dtype=np.intp, count=len(sentences))
    states, last_word = _states(_windows(numbers, lengths, order))
    first, count, successors = _successors(states, lengths, len(last_word))
    words = pa.array(vocabulary.tolist(), pa.string())
    return Chain(order, words, last_word, first, count, successors, numbers.astype(np.int32))


def train_file(name: str | Path, *, order: int = 2) -> Chain:
    """Train a chain on a shipped corpus or a text file; cache it for the life of the process.

    Raises UnknownCorpus, UnreadableCorpus and what `train` raises.
    """
    file = CORPORA / f"{name}.txt" if str(name) in shipped() else Path(name)
    if not file.is_file():
        raise UnknownCorpus("corpus", str(name), shipped())
    return _trained(file.resolve(), file.stat().st_mtime_ns, order)


def shipped() -> list[str]:
    """Return the names of the shipped corpora."""
    return sorted(file.stem for file in CORPORA.glob("*.txt"))


@cache
def _trained(file: Path, _changed: int, order: int) -> Chain:
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UnreadableCorpus(f"cannot be read as text in UTF-8: {error}", place=str(file)) from None
    return train(text, order=order, place=str(file))


def _windows(numbers: States, lengths: States, order: int) -> NDArray[np.intp]:
    """Return a sliding window of `order` words for each position of each sentence, then the end.

    A sentence of n words has n + 2 rows.
    """
    # Each sentence is written as its beginnings, its words, its end; a window slides over all of them.
    spans = lengths + order + 1
    begins = np.cumsum(spans) - spans
    stream = np.full(spans.sum(), _BEFORE, dtype=np.intp)
    stream[np.repeat(begins + order, lengths) + _counting(lengths)] = numbers
    stream[begins + spans - 1] = _AFTER
    rows = np.repeat(begins, lengths + 2) + _counting(lengths + 2)
    return np.lib.stride_tricks.sliding_window_view(stream, order)[rows]


def _counting(lengths: States) -> States:
    """Return the concatenated ranges 0, 1, … up to each length."""
    return np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)


def _states(windows: NDArray[np.intp]) -> tuple[States, States]:
    """Return the state of each window, and the last word of each state."""
    distinct, position = np.unique(windows, axis=0, return_inverse=True)
    is_start = (distinct == _BEFORE).all(axis=1)
    is_end = distinct[:, -1] == _AFTER
    is_inner = ~(is_start | is_end)
    number = np.empty(len(distinct), dtype=np.intp)
    number[is_start], number[is_end] = START, END
    number[is_inner] = np.arange(is_inner.sum()) + END + 1
    none = np.array([-1, -1], dtype=np.intp)
    return number[position.reshape(-1)], np.concatenate([none, distinct[is_inner, -1]])


def _successors(states: States, lengths: States, total: int) -> tuple[States, States, States]:
    ends = np.cumsum(lengths + 2) - 1
    leads_on = np.ones(len(states), dtype=bool)
    leads_on[ends] = False
    sources = np.flatnonzero(leads_on)
    origins = np.append(states[sources], END)
    targets = np.append(states[sources + 1], END)
    count = np.bincount(origins, minlength=total).astype(np.intp)
    # Sorted by target too: what is drawn together lies together.
    return np.cumsum(count) - count, count, targets[np.lexsort((targets, origins))]


def split_sentences(text: str) -> Iterator[tuple[str, ...]]:
    """Split a text into sentences of words; punctuation and capitals stay on the words.

    A blank line ends a sentence too, so headings and signatures do not run into what follows.
    """
    for paragraph in _PARAGRAPHS.split(text):
        sentence: list[str] = []
        for word in paragraph.split():
            # A word that starts small goes on, whatever the word before it ended with.
            if sentence and _ends(sentence[-1]) and not word[0].islower():
                yield tuple(sentence)
                sentence = []
            sentence.append(word)
        if sentence:
            yield tuple(sentence)


def _ends(word: str) -> bool:
    return bool(_ENDS.search(word)) and word.lower() not in _ABBREVIATIONS and not _INITIAL.match(word)
