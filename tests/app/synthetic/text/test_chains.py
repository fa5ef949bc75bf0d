"""Markov text says only what its corpus taught it, in the corpus's own proportions."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chisquare

from app.synthetic.errors import CorpusTooSmall, ImpossibleParameters
from app.synthetic.text import Chain, Overlap, load, save, sentences, train, train_file, words
from app.synthetic.text.files import UnreadableChain
from app.synthetic.text.training import UnknownCorpus, UnreadableCorpus, split_sentences

LETTERS = """
My card was lost on Monday. My card was found on Tuesday. Your card was sent on Monday, and your letter with it.
Please send the card to my old address. Please send the letter to my new address! Will the card come on Tuesday?
The letter was lost. The letter with the card was sent to my old address. Your letter was found on Monday.
"""


def draws(seed: int = 7) -> np.random.Generator:
    return np.random.default_rng(seed)


def runs_of(text: str, length: int) -> set[tuple[str, ...]]:
    """Runs of so many words in the sentences of a text; beginnings and ends count as words."""
    found = set()
    for sentence in split_sentences(text):
        marked = (*[""] * (length - 1), *sentence, ".")
        found |= {marked[at : at + length] for at in range(len(marked) - length + 1)}
    return found


@pytest.mark.parametrize("order", [1, 2, 3])
def test_every_step_of_a_sentence_was_seen_in_the_corpus(order: int) -> None:
    known = runs_of(LETTERS, order + 1)
    made = sentences(train(LETTERS, order=order), draws(), 500, least=1).to_pylist()
    assert len(made) == 500
    for sentence in made:
        marked = (*[""] * order, *sentence.split(), ".")
        assert {marked[at : at + order + 1] for at in range(len(marked) - order)} <= known


@pytest.mark.parametrize("order", [1, 2])
def test_every_run_of_the_corpus_can_come(order: int) -> None:
    drawn = sentences(train(LETTERS, order=order), draws(), 5000, least=1).to_pylist()
    said = set().union(*(runs_of(sentence, order + 1) for sentence in set(drawn)))
    assert said >= runs_of(LETTERS, order + 1)


def test_what_follows_comes_as_often_as_it_did_in_the_corpus() -> None:
    rows = 30_000
    drawn = sentences(train(LETTERS, order=1), draws(), rows, least=1, most=200).to_pylist()
    seen = Counter(sentence.split()[0] for sentence in split_sentences_of(LETTERS))
    first = Counter(text.split()[0] for text in drawn)
    expected = [rows * count / seen.total() for count in seen.values()]
    assert chisquare([first[word] for word in seen], expected).pvalue > 0.001
    following = Counter(after for text in drawn for word, after in pairs(text) if word == "was")
    taught = Counter(after for text in split_sentences_of(LETTERS) for word, after in pairs(text) if word == "was")
    share = following.total() / taught.total()
    assert chisquare([following[word] for word in taught], [share * n for n in taught.values()]).pvalue > 0.001


def split_sentences_of(text: str) -> list[str]:
    return [" ".join(sentence) for sentence in split_sentences(text)]


def pairs(text: str) -> list[tuple[str, str]]:
    said = text.split()
    return list(pairwise(said))


def test_sentences_have_the_lengths_asked_for() -> None:
    lengths = {len(text.split()) for text in sentences(train(LETTERS), draws(), 2000, least=6, most=9).to_pylist()}
    assert lengths == {6, 7, 8, 9}


@pytest.mark.parametrize("count", [1, 2, 16, 100])
def test_texts_have_exactly_the_words_asked_for_and_end_like_sentences(count: int) -> None:
    texts = words(train(LETTERS), draws(), 300, count=count).to_pylist()
    assert len(texts) == 300
    for text in texts:
        assert len(text.split()) == count
        assert text[0].isupper()
        assert text[-1] in ".!?"
        assert text == " ".join(text.split())


def test_a_text_that_is_cut_ends_without_its_comma() -> None:
    chain = train("Yes, we came. No, they left.", order=1)
    assert set(words(chain, draws(), 50, count=1).to_pylist()) == {"Yes.", "No."}


def test_sentences_that_repeat_the_corpus_are_refused() -> None:
    chain, strict = train(LETTERS), Overlap(ratio=0.6)
    corpus = " ".join(LETTERS.split())
    plain = sentences(chain, draws(), 500).to_pylist()
    original = sentences(chain, draws(), 500, overlap=strict).to_pylist()
    assert any(repeats(text, corpus, strict) for text in plain)
    assert not any(repeats(text, corpus, strict) for text in original)


def repeats(text: str, corpus: str, allowed: Overlap) -> bool:
    """The test done plainly: does any run of one word more than allowed stand in the corpus?"""
    said = text.split()
    run = min(allowed.total, round(allowed.ratio * len(said))) + 1
    corpus_words = corpus.split()
    known = {tuple(corpus_words[at : at + run]) for at in range(len(corpus_words) - run + 1)}
    return any(tuple(said[at : at + run]) in known for at in range(len(said) - run + 1))


@given(seed=st.integers(0, 2**32), ratio=st.floats(0.3, 1), total=st.integers(1, 12))
@settings(max_examples=40)
def test_the_overlap_of_all_rows_is_that_of_each(seed: int, ratio: float, total: int) -> None:
    chain, allowed = train(LETTERS), Overlap(ratio, total)
    texts = sentences(chain, draws(seed), 40, least=1).to_pylist()
    numbers = {word: at for at, word in enumerate(chain.vocabulary.to_pylist())}
    lengths = np.array([len(text.split()) for text in texts])
    table = np.zeros((len(texts), lengths.max()), dtype=np.intp)
    for row, text in enumerate(texts):
        table[row, : lengths[row]] = [numbers[word] for word in text.split()]
    expected = [repeats(text, LETTERS, allowed) for text in texts]
    assert allowed.repeats(chain, table, lengths).tolist() == expected


def test_a_corpus_that_can_only_repeat_itself_is_too_small() -> None:
    with pytest.raises(CorpusTooSmall, match=r"were not found in \d+ tries"):
        sentences(train("One two three four. Five six seven eight."), draws(), 10, overlap=Overlap())


@pytest.mark.parametrize("text", ["", "  \n ", "Only one sentence.", "It is late. It is early."])
def test_an_empty_or_tiny_corpus_is_refused(text: str) -> None:
    with pytest.raises(CorpusTooSmall, match="letters: it has"):
        train(text, place="letters")


@pytest.mark.parametrize("order", [0, -1, 6])
def test_an_impossible_order_is_refused(order: int) -> None:
    with pytest.raises(ImpossibleParameters, match=f"order is {order}"):
        train(LETTERS, order=order)


def test_a_saved_chain_says_the_same(tmp_path: Path) -> None:
    chain = train(LETTERS, order=3)
    save(chain, tmp_path / "letters.npz")
    same = load(tmp_path / "letters.npz")
    assert told(same) == told(chain)
    assert sentences(same, draws(), 20, overlap=Overlap(0.9)) == sentences(chain, draws(), 20, overlap=Overlap(0.9))


def told(chain: Chain) -> list[str]:
    return list(sentences(chain, draws(), 50).to_pylist())


def test_a_chain_saved_without_its_corpus_tells_no_overlap(tmp_path: Path) -> None:
    save(train(LETTERS), tmp_path / "letters.npz", with_corpus=False)
    chain = load(tmp_path / "letters.npz")
    assert told(chain) == told(train(LETTERS))
    with pytest.raises(ImpossibleParameters, match="without its corpus"):
        sentences(chain, draws(), 1, overlap=Overlap())


@pytest.mark.parametrize("content", [b"", b"no chain", b"PK\x03\x04 torn"])
def test_a_file_that_is_no_chain_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "broken.npz").write_bytes(content)
    with pytest.raises(UnreadableChain, match=r"broken\.npz"):
        load(tmp_path / "broken.npz")


@pytest.mark.parametrize("name", ["successors", "first", "last_word"])
def test_a_chain_that_leads_nowhere_is_refused(tmp_path: Path, name: str) -> None:
    save(train(LETTERS), tmp_path / "letters.npz")
    with np.load(tmp_path / "letters.npz") as held:
        arrays = dict(held)
    arrays[name] = np.full_like(arrays[name], 10**6)
    np.savez(tmp_path / "wrong.npz", allow_pickle=False, **arrays)
    with pytest.raises(UnreadableChain, match="leads nowhere"):
        load(tmp_path / "wrong.npz")


def test_an_unknown_or_unreadable_corpus_is_named(tmp_path: Path) -> None:
    with pytest.raises(UnknownCorpus, match="'mesages' is not known"):
        train_file("mesages")
    (tmp_path / "letters.txt").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UnreadableCorpus, match=r"letters\.txt: cannot be read as text in UTF-8"):
        train_file(tmp_path / "letters.txt")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Hello there. How are you?", ["Hello there.", "How are you?"]),
        ("Dr. Brown called. He waits.", ["Dr. Brown called.", "He waits."]),
        ("It cost 3.50 in all. fine", ["It cost 3.50 in all. fine"]),
        ('He said "no." Then he left.', ['He said "no."', "Then he left."]),
        ("A heading\n\nA text.", ["A heading", "A text."]),
        ("Is it J. Doe? Yes!", ["Is it J. Doe?", "Yes!"]),
    ],
)
def test_text_is_split_where_sentences_end(text: str, expected: list[str]) -> None:
    assert split_sentences_of(text) == expected
