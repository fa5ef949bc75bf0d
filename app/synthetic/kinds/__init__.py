"""Kinds of columns, by the names that schemas call them."""

from app.synthetic.kinds.registry import kind, kinds

__all__ = ["kind", "kinds"]
