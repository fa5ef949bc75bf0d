"""Chains as files."""

from __future__ import annotations

from pathlib import Path
from zipfile import BadZipFile

import numpy as np
import pyarrow as pa

from app.synthetic.errors import SyntheticError
from app.synthetic.sinks.files import whole_file
from app.synthetic.text.chain import Chain

FORM = 1
"""Raised with every change of what a file holds."""
_ARRAYS = ("last_word", "first", "count", "successors", "corpus")


class UnreadableChain(SyntheticError):
    """A file holds no chain, or one of another form."""


def save(chain: Chain, path: Path, *, with_corpus: bool = True) -> None:
    """Write a chain; without its corpus it offers no overlap test. Raise CannotWrite."""
    arrays = {name: getattr(chain, name).astype(np.int32) for name in _ARRAYS}
    if not with_corpus:
        arrays["corpus"] = np.empty(0, np.int32)
    text = "\0".join(chain.vocabulary.to_pylist()).encode()
    with whole_file(path) as file:
        np.savez_compressed(
            file,
            allow_pickle=False,
            form=np.int32(FORM),
            order=np.int32(chain.order),
            vocabulary=np.frombuffer(text, dtype=np.uint8),
            **arrays,
        )


def load(path: Path) -> Chain:
    """Read a chain; raise UnreadableChain."""
    try:
        with np.load(path, allow_pickle=False) as held:
            if held["form"] != FORM:
                raise UnreadableChain(f"is of form {held['form']}, not {FORM}: train it again", place=str(path))
            words = held["vocabulary"].tobytes().decode().split("\0")
            last_word, first, count, successors = (held[name].astype(np.intp) for name in _ARRAYS[:-1])
            order, vocabulary = int(held["order"]), pa.array(words, pa.string())
            chain = Chain(order, vocabulary, last_word, first, count, successors, held["corpus"])
    except (OSError, ValueError, KeyError, EOFError, BadZipFile) as error:
        raise UnreadableChain(f"holds no chain: {error}", place=str(path)) from None
    if not _is_sound(chain):
        raise UnreadableChain("holds a chain that leads nowhere", place=str(path))
    return chain


def _is_sound(chain: Chain) -> bool:
    """Return whether every state has successors and a word: a broken file must not cause a wrong lookup."""
    states, words = len(chain.last_word), len(chain.vocabulary)
    return bool(
        len(chain.first) == len(chain.count) == states > 2
        and (chain.count > 0).all()
        and (chain.first >= 0).all()
        and (chain.first + chain.count <= len(chain.successors)).all()
        and ((chain.successors >= 0) & (chain.successors < states)).all()
        and ((chain.last_word[2:] >= 0) & (chain.last_word[2:] < words)).all()
    )
