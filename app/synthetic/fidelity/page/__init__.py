"""A comparison as one HTML page."""

from app.synthetic.fidelity.page.html_page import page_of

__all__ = ["page_of"]
