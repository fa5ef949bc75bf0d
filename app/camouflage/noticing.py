"""What an application needs to notice canary tokens, put together."""

from __future__ import annotations

from pathlib import Path

from app.background import Worker
from app.camouflage.canaries import Canaries
from app.camouflage.key import CamouflageKey
from app.camouflage.sightings import PERSONAL, CanaryMetrics, Sightings
from app.credits.ledger import utc_now
from app.data_plane import DataPlane
from app.personal_data import PersonalData


class Noticing:
    """Knows the tokens of one operator's key, and stores sightings beside the ledger's events."""

    def __init__(self, key_file: Path, plane: DataPlane, *, is_decoy: bool) -> None:
        """Raises WrongKey."""
        self.canaries = Canaries(CamouflageKey.read(key_file))
        self.metrics = CanaryMetrics()
        personal = PersonalData(plane.router, plane.keys, PERSONAL)
        self.sightings = Sightings(plane.router, personal, self.metrics, utc_now, is_decoy=is_decoy)

    def workers(self) -> list[Worker]:
        """What stores sightings beside the requests."""
        return [Worker("canary sightings", self.sightings.run)]
