"""The frameworks: every requirement, and what can be said of it from resources."""

from policies.frameworks.framework import FRAMEWORKS, BadFramework, Framework, framework, read_framework

__all__ = ["FRAMEWORKS", "BadFramework", "Framework", "framework", "read_framework"]
