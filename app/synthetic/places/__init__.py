"""Places: cities with postcodes, coordinates, phone areas and time zones that agree, and addresses in them."""

from app.synthetic.places.addresses import Addresses, Doors, addresses
from app.synthetic.places.gazetteer import District, Gazetteer, gazetteer

__all__ = ["Addresses", "District", "Doors", "Gazetteer", "addresses", "gazetteer"]
