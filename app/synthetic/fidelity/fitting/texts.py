"""Texts of a sample as a corpus of their own, where that is asked for."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from app.synthetic.errors import SyntheticError
from app.synthetic.fidelity.columns import Series
from app.synthetic.fidelity.errors import UnfitSample
from app.synthetic.text import Overlap, sentences, train

SENTENCES = 2_000
SHORTEST, LONGEST = 2, 60
ROWS_AT_A_TIME = 100


def word_count(series: Series) -> int:
    """Words of a text, on average, one at least."""
    texts = series.values.drop_null().to_pylist()
    return max(1, round(float(np.mean([len(text.split()) for text in texts]))))


def corpus_of(series: Series, *, seed: int) -> str:
    """Sentences in the manner of a column's texts, none of which repeats much of one of them.

    They are made of real words, rare ones and names too: whoever may not see the texts may not see these. Raises
    UnfitSample where there are too few texts for sentences of their own.
    """
    try:
        chain = train("\n\n".join(series.values.drop_null().to_pylist()), place=f"column {series.name}")
        rng = np.random.default_rng(seed)
        made: list[pa.StringArray] = [
            sentences(chain, rng, ROWS_AT_A_TIME, least=SHORTEST, most=LONGEST, overlap=Overlap())
            for _ in range(SENTENCES // ROWS_AT_A_TIME)
        ]
    except SyntheticError as error:
        raise UnfitSample(f"its texts cannot be learnt: {error.what}", place=f"column {series.name}") from None
    return "\n\n".join(text for part in made for text in part.to_pylist()) + "\n"
