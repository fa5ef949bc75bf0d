"""Customers by Faker: its generators, made once for each locale, names unweighted because that is its fast way."""

from __future__ import annotations

from datetime import datetime
from random import Random
from typing import Any

from faker import Factory, Generator

from tools.bench.synthetic.peers import (
    CURRENCIES,
    IBANS,
    LAST,
    OLDEST,
    WOMEN,
    WORDS,
    YOUNGEST,
    Chances,
    Peer,
)

LOCALES = {"US": "en_US", "GB": "en_GB", "DE": "de_DE", "FR": "fr_FR", "ES": "es_ES", "IN": "en_IN", "JP": "ja_JP"}
FIRST = datetime(2019, 1, 1)


def customers(seed: int) -> Peer:
    """Makes a record at each call."""
    at_home = {country: _generator(locale, seed) for country, locale in LOCALES.items()}
    chances = Chances(Random(seed))  # noqa: S311  reproducible on purpose

    def record() -> dict[str, Any]:
        country = chances.country()
        fake = at_home[country]
        is_woman = chances.happens(WOMEN)
        joined = fake.date_time_between_dates(FIRST, LAST)
        return {
            "id": fake.uuid4(),
            "number": chances.number(),
            "name": fake.name_female() if is_woman else fake.name_male(),
            "gender": "female" if is_woman else "male",
            "birth_date": fake.date_of_birth(minimum_age=YOUNGEST, maximum_age=OLDEST),
            "user_name": fake.user_name(),
            "email": fake.email(),
            "phone": None if chances.happens(0.06) else fake.phone_number(),
            "street": fake.street_address(),
            "city": fake.city(),
            "region": fake.administrative_unit(),
            "postcode": fake.postcode(),
            "country": country,
            "latitude": fake.latitude(),
            "longitude": fake.longitude(),
            "time_zone": fake.timezone(),
            "plan": chances.plan(),
            "active": chances.happens(0.93),
            "joined": joined,
            "last_seen": None if chances.happens(0.02) else chances.seen_after(joined),
            "currency": CURRENCIES[country],
            "iban": fake.iban() if country in IBANS else None,
            "card": fake.credit_card_number(),
            "monthly_spend": chances.spend(),
            "credit_score": chances.score(),
            "note": " ".join(fake.words(nb=WORDS)),
        }

    return record


def _generator(locale: str, seed: int) -> Generator:
    generator = Factory.create(locale, use_weighting=False)
    generator.seed_instance(seed)
    return generator
