"""Text by Markov chains: trained on any corpus, drawn for all rows of a chunk at once."""

from app.synthetic.text.chain import Chain
from app.synthetic.text.files import load, save
from app.synthetic.text.overlap import Overlap
from app.synthetic.text.training import train, train_file
from app.synthetic.text.writing import sentences, words

__all__ = ["Chain", "Overlap", "load", "save", "sentences", "train", "train_file", "words"]
