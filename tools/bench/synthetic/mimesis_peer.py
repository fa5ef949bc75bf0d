"""Customers by Mimesis: its providers, made once for each locale, called directly, without its schemas."""

from __future__ import annotations

from typing import Any

from mimesis import Address, Cryptographic, Datetime, Locale, Payment, Person, Text
from mimesis.enums import Gender

from tools.bench.synthetic.peers import CURRENCIES, OLDEST, WOMEN, WORDS, YOUNGEST, Chances, Peer

LOCALES = {
    "US": Locale.EN,
    "GB": Locale.EN_GB,
    "DE": Locale.DE,
    "FR": Locale.FR,
    "ES": Locale.ES,
    "IN": Locale.EN,  # it has no Indian one
    "JP": Locale.JA,
}


def customers(seed: int) -> Peer:
    """Makes a record at each call."""
    at_home = {
        country: (Person(locale, seed=seed), Address(locale, seed=seed), Datetime(locale, seed=seed), Text(locale))
        for country, locale in LOCALES.items()
    }
    cryptographic, payment = Cryptographic(seed=seed), Payment(seed=seed)
    chances = Chances(payment.random)

    def record() -> dict[str, Any]:
        country = chances.country()
        person, address, moments, text = at_home[country]
        gender = Gender.FEMALE if chances.happens(WOMEN) else Gender.MALE
        joined = moments.datetime(start=2019, end=2025)
        return {
            "id": cryptographic.uuid(),
            "number": chances.number(),
            "name": person.full_name(gender=gender),
            "gender": gender.value,
            "birth_date": person.birthdate(min_year=2025 - OLDEST, max_year=2025 - YOUNGEST),
            "user_name": person.username(),
            "email": person.email(),
            "phone": None if chances.happens(0.06) else person.phone_number(),
            "street": address.address(),
            "city": address.city(),
            "region": address.state(),
            "postcode": address.postal_code(),
            "country": country,
            "latitude": address.latitude(),
            "longitude": address.longitude(),
            "time_zone": moments.timezone(),
            "plan": chances.plan(),
            "active": chances.happens(0.93),
            "joined": joined,
            "last_seen": None if chances.happens(0.02) else chances.seen_after(joined),
            "currency": CURRENCIES[country],
            "iban": chances.iban(country),
            "card": payment.credit_card_number(),
            "monthly_spend": chances.spend(),
            "credit_score": chances.score(),
            "note": " ".join(text.words(quantity=WORDS)),
        }

    return record
