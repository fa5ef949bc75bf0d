"""The frameworks: every requirement, and what can be said of it from resources."""

from policies.frameworks.files import FRAMEWORKS, framework, read_framework
from policies.frameworks.framework import BadFramework, Framework, Requirement

__all__ = ["FRAMEWORKS", "BadFramework", "Framework", "Requirement", "framework", "read_framework"]
