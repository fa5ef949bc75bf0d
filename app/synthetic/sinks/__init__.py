"""Where data goes: files of several formats, and tables of PostgreSQL."""

from app.synthetic.sinks.formats import FORMATS, format_of
from app.synthetic.sinks.write import write_file

__all__ = ["FORMATS", "format_of", "write_file"]
