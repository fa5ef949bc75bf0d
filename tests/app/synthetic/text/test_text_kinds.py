"""Text as columns: the corpus that ships, and what a schema may ask for."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.synthetic import DataSet
from app.synthetic.errors import CorpusTooSmall, ImpossibleParameters, UnknownName
from app.synthetic.schema_file import parse_schema
from app.synthetic.text import train_file


def column(parameters: str, rows: int = 2000) -> list[str]:
    schema = parse_schema(f"name: letters\nfields:\n  text: {{{parameters}}}\n")
    return list(DataSet(schema, rows, seed=7, workers=1).table()["text"].to_pylist())


def test_texts_of_the_shipped_corpus_rarely_repeat() -> None:
    assert len(set(column("kind: text.words"))) > 1900


def test_original_sentences_are_not_those_of_the_corpus() -> None:
    chain = train_file("messages")
    corpus = " ".join(chain.vocabulary[number].as_py() for number in chain.corpus)
    assert not any(sentence in corpus for sentence in column("kind: text.sentence, original: true", 300))


def test_a_corpus_of_ones_own_is_learnt(tmp_path: Path) -> None:
    (tmp_path / "own.txt").write_text("Alpha beta gamma. Delta beta epsilon.")
    texts = column(f"kind: text.sentence, least: 1, order: 1, corpus: {tmp_path / 'own.txt'}")
    assert set(texts) == {f"{first} beta {last}." for first in ("Alpha", "Delta") for last in ("gamma", "epsilon")}


@pytest.mark.parametrize(
    ("parameters", "error", "words"),
    [
        ("kind: text.words, words: 0", ImpossibleParameters, "words is 0"),
        ("kind: text.words, words: -3", ImpossibleParameters, "words is -3"),
        ("kind: text.words, order: 9", ImpossibleParameters, "order is 9"),
        ("kind: text.words, corpus: mesages", UnknownName, "did you mean 'messages'"),
        ("kind: text.sentence, least: 9, most: 3", ImpossibleParameters, "least is 9 and most 3"),
        ("kind: text.sentence, corpus: EMPTY", CorpusTooSmall, "0 sentences"),
    ],
)
def test_what_cannot_be_is_refused_with_its_place(
    tmp_path: Path, parameters: str, error: type[Exception], words: str
) -> None:
    (tmp_path / "empty.txt").touch()
    with pytest.raises(error, match=r"schema letters, field text|empty\.txt") as refused:
        column(parameters.replace("EMPTY", str(tmp_path / "empty.txt")))
    assert words in str(refused.value)
