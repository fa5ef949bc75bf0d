"""`fortress compliance`: judge an environment by the controls, report, watch."""

from cli.compliance.commands import app

__all__ = ["app"]
