"""Reads places without a look at the package's own data: what other people's libraries and public rules say of a row.

Coordinates are read by tzfpy and reverse-geocode, ZIP codes by zipcodes, area codes by phonenumbers. What post offices
and numbering plans lay down, and no small library knows, stands here. Libraries whose data take seconds to load are
imported by whoever reads with them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

import phonenumbers
import tzfpy
import zipcodes

Row = Mapping[str, Any]
CALLING = {"US": 1, "GB": 44, "DE": 49, "FR": 33, "ES": 34, "IN": 91, "JP": 81}
DIGITS = {"US": 10, "GB": 10, "DE": 10, "FR": 9, "ES": 9, "IN": 10, "JP": 9}
FARTHEST_KM = 15
JANUARY = datetime(2026, 1, 15)

ENGLISH: Mapping[str, str] = {
    "Baden-Württemberg": "Baden-Wurttemberg",
    "Bayern": "Bavaria",
    "Berlin": "State of Berlin",
    "Bremen": "City state Bremen",
    "Hessen": "Hesse",
    "Niedersachsen": "Lower Saxony",
    "Nordrhein-Westfalen": "North Rhine-Westphalia",
    "Sachsen": "Saxony",
    "Sachsen-Anhalt": "Saxony-Anhalt",
    "Thüringen": "Thuringia",
    "Bretagne": "Brittany",
    "Centre-Val de Loire": "Centre",
    "Corse": "Corsica",
    "Normandie": "Normandy",
    "北海道": "Hokkaido",
    "青森県": "Aomori",
    "岩手県": "Iwate",
    "宮城県": "Miyagi",
    "秋田県": "Akita",
    "山形県": "Yamagata",
    "福島県": "Fukushima",
    "茨城県": "Ibaraki",
    "栃木県": "Tochigi",
    "群馬県": "Gunma",
    "埼玉県": "Saitama",
    "千葉県": "Chiba",
    "東京都": "Tokyo",
    "神奈川県": "Kanagawa",
    "新潟県": "Niigata",
    "富山県": "Toyama",
    "石川県": "Ishikawa",
    "長野県": "Nagano",
    "岐阜県": "Gifu",
    "静岡県": "Shizuoka",
    "愛知県": "Aichi",
    "京都府": "Kyoto",
    "大阪府": "Osaka",
    "兵庫県": "Hyōgo",
    "奈良県": "Nara",
    "岡山県": "Okayama",
    "広島県": "Hiroshima",
    "徳島県": "Tokushima",
    "香川県": "Kagawa",
    "愛媛県": "Ehime",
    "高知県": "Kochi",
    "福岡県": "Fukuoka",
    "長崎県": "Nagasaki",
    "熊本県": "Kumamoto",
    "大分県": "Oita",
    "宮崎県": "Miyazaki",
    "鹿児島県": "Kagoshima",
    "沖縄県": "Okinawa",
}
"""What reverse-geocode calls the regions that it does not call by their own names."""

SPANISH: Mapping[str, tuple[str, str]] = {
    "01": ("Álava", "Basque Country"),
    "02": ("Albacete", "Castille-La Mancha"),
    "03": ("Alicante", "Valencia"),
    "04": ("Almería", "Andalusia"),
    "06": ("Badajoz", "Extremadura"),
    "07": ("Islas Baleares", "Balearic Islands"),
    "08": ("Barcelona", "Catalonia"),
    "09": ("Burgos", "Castille and León"),
    "10": ("Cáceres", "Extremadura"),
    "11": ("Cádiz", "Andalusia"),
    "12": ("Castellón", "Valencia"),
    "14": ("Córdoba", "Andalusia"),
    "15": ("A Coruña", "Galicia"),
    "17": ("Girona", "Catalonia"),
    "18": ("Granada", "Andalusia"),
    "19": ("Guadalajara", "Castille-La Mancha"),
    "20": ("Gipuzkoa", "Basque Country"),
    "21": ("Huelva", "Andalusia"),
    "22": ("Huesca", "Aragon"),
    "23": ("Jaén", "Andalusia"),
    "24": ("León", "Castille and León"),
    "25": ("Lleida", "Catalonia"),
    "26": ("La Rioja", "La Rioja"),
    "27": ("Lugo", "Galicia"),
    "28": ("Madrid", "Madrid"),
    "29": ("Málaga", "Andalusia"),
    "30": ("Murcia", "Murcia"),
    "31": ("Navarra", "Navarre"),
    "32": ("Ourense", "Galicia"),
    "33": ("Asturias", "Asturias"),
    "35": ("Las Palmas", "Canary Islands"),
    "36": ("Pontevedra", "Galicia"),
    "37": ("Salamanca", "Castille and León"),
    "38": ("Santa Cruz de Tenerife", "Canary Islands"),
    "39": ("Cantabria", "Cantabria"),
    "41": ("Sevilla", "Andalusia"),
    "43": ("Tarragona", "Catalonia"),
    "45": ("Toledo", "Castille-La Mancha"),
    "46": ("Valencia", "Valencia"),
    "47": ("Valladolid", "Castille and León"),
    "48": ("Bizkaia", "Basque Country"),
    "50": ("Zaragoza", "Aragon"),
}
"""Spanish postcodes begin with the province's number; the province, and the community that has it."""

POSTCODES: Mapping[str, Mapping[str, str]] = {
    "GB": {
        "Scotland": "AB DD DG EH FK G HS IV KA KW KY ML PA PH TD ZE",
        "Wales": "CF LD LL NP SA",
        "Northern Ireland": "BT",
    },
    "DE": {
        "Baden-Württemberg": "68 69 70 71 72 73 74 75 76 77 78 79 88 89",
        "Bayern": "63 80 81 82 83 84 85 86 87 89 90 91 92 93 94 95 96 97",
        "Berlin": "10 12 13 14",
        "Brandenburg": "03 14 15 16 17 19",
        "Bremen": "27 28",
        "Hamburg": "20 21 22",
        "Hessen": "34 35 36 60 61 63 64 65",
        "Mecklenburg-Vorpommern": "17 18 19 23",
        "Niedersachsen": "21 26 27 29 30 31 37 38 48 49",
        "Nordrhein-Westfalen": "32 33 40 41 42 44 45 46 47 48 50 51 52 53 57 58 59",
        "Rheinland-Pfalz": "54 55 56 57 66 67 76",
        "Saarland": "66",
        "Sachsen": "01 02 04 08 09",
        "Sachsen-Anhalt": "06 38 39",
        "Schleswig-Holstein": "22 23 24 25",
        "Thüringen": "07 36 37 98 99",
    },
    "FR": {
        "Île-de-France": "75 77 78 91 92 93 94 95",
        "Centre-Val de Loire": "18 28 36 37 41 45",
        "Bourgogne-Franche-Comté": "21 25 39 58 70 71 89 90",
        "Normandie": "14 27 50 61 76",
        "Hauts-de-France": "02 59 60 62 80",
        "Grand Est": "08 10 51 52 54 55 57 67 68 88",
        "Pays de la Loire": "44 49 53 72 85",
        "Bretagne": "22 29 35 56",
        "Nouvelle-Aquitaine": "16 17 19 23 24 33 40 47 64 79 86 87",
        "Occitanie": "09 11 12 30 31 32 34 46 48 65 66 81 82",
        "Auvergne-Rhône-Alpes": "01 03 07 15 26 38 42 43 63 69 73 74",
        "Provence-Alpes-Côte d'Azur": "04 05 06 13 83 84",
        "Corse": "20",
    },
    "IN": {
        "Delhi": "11",
        "Punjab": "140 141 142 143 144 145 146 147 148 15",
        "Chandigarh": "160",
        "Himachal Pradesh": "17",
        "Jammu and Kashmir": "18 190 191 192 193",
        "Uttar Pradesh": "20 21 22 23 24 25 26 27 28",
        "Uttarakhand": "244 245 246 247 248 249 262 263",
        "Rajasthan": "30 31 32 33 34",
        "Gujarat": "36 37 38 39",
        "Goa": "403",
        "Maharashtra": "400 401 402 404 41 42 43 44",
        "Madhya Pradesh": "45 46 47 48",
        "Chhattisgarh": "49",
        "Telangana": "50",
        "Andhra Pradesh": "51 52 53",
        "Karnataka": "56 57 58 59",
        "Tamil Nadu": "60 61 62 63 64",
        "Puducherry": "605",
        "Kerala": "67 68 69",
        "West Bengal": "70 71 72 73 74",
        "Odisha": "75 76 77",
        "Assam": "78",
        "Bihar": "80 81 82 84 85",
        "Jharkhand": "814 815 816 825 826 827 828 829 83",
    },
    "JP": {
        "北海道": "00 04 05 06 07 08 09",
        "青森県": "03",
        "岩手県": "02",
        "宮城県": "98",
        "秋田県": "01",
        "山形県": "99",
        "福島県": "96 97",
        "茨城県": "30 31",
        "栃木県": "32",
        "群馬県": "37",
        "埼玉県": "33 34 35 36",
        "千葉県": "26 27 28 29",
        "東京都": "10 11 12 13 14 15 16 17 18 19 20",
        "神奈川県": "21 22 23 24 25",
        "新潟県": "94 95",
        "富山県": "93",
        "石川県": "92",
        "長野県": "38 39",
        "岐阜県": "50",
        "静岡県": "41 42 43",
        "愛知県": "44 45 46 47 48 49",
        "京都府": "60 61 62",
        "大阪府": "53 54 55 56 57 58 59",
        "兵庫県": "65 66 67",
        "奈良県": "63",
        "岡山県": "70 71",
        "広島県": "72 73",
        "徳島県": "77",
        "香川県": "76",
        "愛媛県": "79",
        "高知県": "78",
        "福岡県": "80 81 82 83",
        "長崎県": "85",
        "熊本県": "86",
        "大分県": "87",
        "宮崎県": "88",
        "鹿児島県": "89",
        "沖縄県": "90",
    },
}
"""How postcodes of a region begin; English ones begin with any letters that are not of the other nations."""

FRENCH_ZONES: Mapping[str, Sequence[str]] = {
    "1": ("Île-de-France",),
    "2": ("Bretagne", "Centre-Val de Loire", "Normandie", "Pays de la Loire"),
    "3": ("Bourgogne-Franche-Comté", "Grand Est", "Hauts-de-France"),
    "4": ("Auvergne-Rhône-Alpes", "Corse", "Occitanie", "Provence-Alpes-Côte d'Azur"),
    "5": ("Nouvelle-Aquitaine", "Occitanie"),
}
CALLED: Mapping[str, Sequence[str]] = {
    "Halle (Saale)": ("Halle Saale",),
    "Córdoba": ("Cordova",),
    "Belfast": ("Northern Ireland", "Belfast"),
    "Newcastle upon Tyne": ("Tyneside",),
    "Sunderland": ("Tyneside", "Sunderland"),
    "Álava": ("Araba",),
    "Asturias": ("Asturias",),
    "Gipuzkoa": ("Guipúzcoa",),
    "Islas Baleares": ("Balearic",),
    "Navarra": ("Navarre",),
    "Santa Cruz de Tenerife": ("Tenerife",),
    "Sevilla": ("Seville",),
    "Bizkaia": ("Biscay", "Vizcaya", "Bizkaia"),
    "Puducherry": ("Pondicherry",),
    "Bengaluru": ("Bangalore",),
    "Bhubaneswar": ("Bhubaneshwar",),
    "Tiruchirappalli": ("Tiruchchirappalli",),
    "Varanasi": ("Varansi",),
    "Nashik": ("Nasik",),
    "Prayagraj": ("Allahabad",),
    "Kochi": ("Ernakulam",),
    "Mysuru": ("Mysore",),
    "Mangaluru": ("Mangalore",),
    "Jalandhar": ("Jallandhar",),
    "Panaji": ("Goa",),
    "Hubballi": ("Hubli",),
    "兵庫県": ("Hyogo",),
}
"""What phonenumbers calls cities and regions that it does not call by their own names."""


def disagreements(row: Row) -> list[str]:
    """Whatever in a row of a place is not so; empty for a good one. `phone` is read too where there is one."""
    checks = (_coordinates(row), _postcode(row), _zip_code(row), _area_code(row), _telephone(row))
    return [each for found in checks for each in found]


def read_coordinates(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """What lies nearest to each row."""
    import reverse_geocode

    return reverse_geocode.search([(row["latitude"], row["longitude"]) for row in rows])


def nearest(row: Row, found: Mapping[str, Any]) -> list[str]:
    """Whatever the nearest known place says against a row."""
    region = row["region"]
    if row["country"] == "ES":
        region = dict(SPANISH.values())[region]
    if found["country_code"] != row["country"] or found["state"] != ENGLISH.get(region, region):
        return [f"the coordinates are in {found['country_code']}, {found['state']}, not in {region}"]
    return []


def kilometres(latitude: float, longitude: float, other_latitude: float, other_longitude: float) -> float:
    north = other_latitude - latitude
    east = (other_longitude - longitude) * math.cos(math.radians(latitude))
    return math.hypot(north, east) * 111.2


def _coordinates(row: Row) -> Iterator[str]:
    zone = tzfpy.get_tz(row["longitude"], row["latitude"])
    if zone != row["time_zone"]:
        yield f"the coordinates are in {zone}, not in {row['time_zone']}"


def _postcode(row: Row) -> Iterator[str]:
    country, postcode, region = row["country"], row["postcode"], row["region"]
    if country == "ES" and SPANISH[postcode[:2]][0] != region:
        yield f"{postcode} is in {SPANISH[postcode[:2]][0]}, not in {region}"
    if country == "GB":
        area = postcode[: 2 if postcode[1].isalpha() else 1]
        nation = next((name for name, areas in POSTCODES["GB"].items() if area in areas.split()), "England")
        if nation != region:
            yield f"{postcode} is in {nation}, not in {region}"
    elif country in POSTCODES and not postcode.startswith(tuple(POSTCODES[country][region].split())):
        yield f"{postcode} is not in {region}"


def _zip_code(row: Row) -> Iterator[str]:
    if row["country"] != "US":
        return
    known = _known_zip(row["postcode"])
    if known is None:
        yield f"{row['postcode']} is no ZIP code"
        return
    if known["city"].replace("St. ", "Saint ") != row["city"] or known["state"] != row["region_code"]:
        yield f"{row['postcode']} is in {known['city']}, {known['state']}, not in {row['city']}"
    if row["phone_prefix"] not in known["area_codes"]:
        yield f"{row['postcode']} has area codes {known['area_codes']}, not {row['phone_prefix']}"
    if known["timezone"] != row["time_zone"]:
        yield f"{row['postcode']} is in {known['timezone']}, not in {row['time_zone']}"
    distance = kilometres(row["latitude"], row["longitude"], float(known["lat"]), float(known["long"]))
    if distance > FARTHEST_KM:
        yield f"{row['postcode']} is {distance:.0f} km away"


@cache
def _known_zip(code: str) -> dict[str, Any] | None:
    found = zipcodes.matching(code)
    return found[0] if found else None


def _area_code(row: Row) -> Iterator[str]:
    country, prefix = row["country"], row["phone_prefix"]
    if country == "FR":
        if row["region"] not in FRENCH_ZONES[prefix]:
            yield f"zone {prefix} has no {row['region']}"
        return
    described, zones = _area(country, prefix)
    if not any(name in each for each in described for name in _names(row)):
        yield f"area code {prefix} is of {sorted(described)[:4]}, not of {row['city']}, {row['region']}"
    offsets = {ZoneInfo(zone).utcoffset(JANUARY) for zone in zones}
    if ZoneInfo(row["time_zone"]).utcoffset(JANUARY) not in offsets:
        yield f"area code {prefix} is in {zones}, not in {row['time_zone']}"


def _names(row: Row) -> Sequence[str]:
    """What area codes may be said to be of: the city, and where plans go by regions, the region."""
    region, city = row["region"], row["city_latin"]
    if row["country"] in ("GB", "DE", "IN"):
        return (row["city"], city, *CALLED.get(city, ()))
    return (region, city, ENGLISH.get(region, region), *CALLED.get(region, ()))


@cache
def _area(country: str, prefix: str) -> tuple[frozenset[str], tuple[str, ...]]:
    """What is said of the numbers of an area: not all of them need be in use, so several are asked about."""
    from phonenumbers import geocoder, timezone

    described, zones = set(), set()
    for filler in range(200, 1000, 19):
        subscriber = f"{filler}5550123"[: DIGITS[country] - len(prefix)]
        number = phonenumbers.parse(f"+{CALLING[country]}{prefix}{subscriber}")
        described |= {
            geocoder.description_for_valid_number(number, language)
            for language in {"en", "de" if country == "DE" else "en"}
        }
        zones |= set(timezone.time_zones_for_geographical_number(number))
    return frozenset(described), tuple(sorted(zones))


def _telephone(row: Row) -> Iterator[str]:
    if "phone" not in row:
        return
    number = phonenumbers.parse(row["phone"])
    if number.country_code != CALLING[row["country"]]:
        yield f"{row['phone']} is not of {row['country']}"
    if not phonenumbers.is_possible_number(number):
        yield f"{row['phone']} has a wrong length"
    if not str(number.national_number).startswith(row["phone_prefix"]) and _kind(number) == "fixed":
        yield f"{row['phone']} is of another area than {row['phone_prefix']}"


def _kind(number: phonenumbers.PhoneNumber) -> str:
    """Fixed where an area is known for the number."""
    area = phonenumbers.length_of_geographical_area_code(number)
    return "fixed" if area else "mobile"
