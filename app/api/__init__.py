"""The HTTP face of the app."""

from app.api.application import create_app

__all__ = ["create_app"]
