"""Places: cities with postcodes, coordinates, phone areas and time zones that agree, and addresses in them."""

from app.synthetic.places.addresses import addresses
from app.synthetic.places.gazetteer import gazetteer

__all__ = ["addresses", "gazetteer"]
