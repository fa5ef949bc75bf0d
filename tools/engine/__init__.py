"""The real Pulumi engine, wherever the machine is: found on PATH, installed, or built from Go modules."""

from tools.engine.engine import Engine, EngineMissing, Origin, engine_environment, locate
from tools.engine.install import install

__all__ = ["Engine", "EngineMissing", "Origin", "engine_environment", "install", "locate"]
