"""Sentences by a Markov chain of order two: ours against markovify's compiled model, of the same corpus."""

from __future__ import annotations

from itertools import count

import markovify
import numpy as np

from app.synthetic.rows import as_list
from app.synthetic.text import sentences, train
from app.synthetic.text.training import CORPORA
from tools.bench.measurement import Floor, Recorder
from tools.bench.synthetic.sides import Side, compare

OURS = 1 << 15
TIMES = 4
THEIRS = 5000
"""Sentences that are drawn at once, how often in a slice, and those of a slice of theirs."""
CORPUS = CORPORA / "messages.txt"


def against_markovify(recorder: Recorder) -> None:
    """Text of Markov chains, against markovify."""
    text = CORPUS.read_text(encoding="utf-8")
    chain, seeds = train(text, order=2), count()
    model = markovify.Text(text, state_size=2).compile()

    def ours() -> list[str]:
        drawn = (sentences(chain, np.random.default_rng(next(seeds)), OURS) for _ in range(TIMES))
        return [sentence for column in drawn for sentence in as_list(column)]

    def theirs() -> list[str]:
        return [model.make_sentence(test_output=False) for _ in range(THEIRS)]

    lengths = f"{_words(ours()) / OURS / TIMES:.1f} words a sentence of ours, {_words(theirs()) / THEIRS:.1f} of theirs"
    compare(
        recorder,
        "text of Markov chains, against markovify compiled",
        Floor(10, "x"),
        Side(ours, _words),
        Side(theirs, _words),
        unit="words/s",
        note=f"order 2, no overlap test, Python's own strings on both sides, one thread; {lengths}",
    )


ROWS = (against_markovify,)


def _words(texts: list[str]) -> int:
    return sum(text.count(" ") + 1 for text in texts)
