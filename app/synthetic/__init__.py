"""Synthetic data: whole columns at a time, the same for the same seed."""

from app.synthetic.chunks import Chunk
from app.synthetic.columns import Column, Joint
from app.synthetic.errors import SyntheticError
from app.synthetic.generate import DataSet
from app.synthetic.schema import Field, Schema
from app.synthetic.schema_class import Nulls, schema_of
from app.synthetic.schema_file import parse_schema, schema_named, shipped

__all__ = [
    "Chunk",
    "Column",
    "DataSet",
    "Field",
    "Joint",
    "Nulls",
    "Schema",
    "SyntheticError",
    "parse_schema",
    "schema_named",
    "schema_of",
    "shipped",
]
