"""Residency, retention and erasure: personal data stays where it may be, and no longer than it may."""

from policies import Theme
from policies.clouds.regions import Regions
from policies.clouds.scope import PersonalData

control = Theme("residency-retention-erasure", "Residency, retention and erasure").control


class Residency(Regions, PersonalData):
    """Where personal data may be, and what it is."""
