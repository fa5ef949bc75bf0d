"""From running text to sentences of words."""

from __future__ import annotations

import re
from collections.abc import Iterator

_PARAGRAPHS = re.compile(r"\n\s*\n")
FULL_STOPS = ".!?\u2026\u3002\uff01\uff1f"
"""Of Latin and of East Asian scripts."""
CLOSERS = "'\")]\u00bb\u2019\u201d"
"""Quotes and brackets that a sentence may end with."""
_ENDS = re.compile(f"[{FULL_STOPS}][{re.escape(CLOSERS)}]*$")
_INITIAL = re.compile(r"^[A-Z]\.$")
_ABBREVIATIONS = frozenset(
    ["mr.", "mrs.", "ms.", "dr.", "prof.", "nos.", "vs.", "e.g.", "i.e.", "approx.", "dept.", "est.", "tel.", "p.s."]
)
"""What ends with a full stop and, before a word with a capital, still does not end a sentence."""


def split_sentences(text: str) -> Iterator[tuple[str, ...]]:
    """The sentences of a text, each as its words; marks and capitals stay on the words they stand at.

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
