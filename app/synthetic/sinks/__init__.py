"""Where data goes: files of several formats, and tables of PostgreSQL."""

from app.synthetic.sinks.files import write_file
from app.synthetic.sinks.formats import FORMATS

__all__ = ["FORMATS", "write_file"]
