"""Where data goes: files of several formats, and tables of PostgreSQL."""

from app.synthetic.sinks.files import write_file
from app.synthetic.sinks.formats import FORMATS, format_of

__all__ = ["FORMATS", "format_of", "write_file"]
