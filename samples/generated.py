"""Generated oai_dc records: any number of them, the same every time, with near duplicates that are known."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import NamedTuple
from xml.sax.saxutils import escape

HOST = "generated.example"
EPOCH = datetime(2024, 1, 1, tzinfo=UTC)  # the datestamp of record 0; each one after it is a second later
_REVISED = "2nd edition"
_NEAR_DUPLICATE_EVERY = 33  # records; one of them nearly repeats one of the thirty before it: 3 %
_SURNAMES = [
    "Adams", "Bello", "Castro", "Dubois", "Eriksen", "Fofana", "Gupta", "Hansen", "Ilic", "Jensen", "Kim", "Lopez",
    "Marin", "Nguyen", "Okoro", "Petrov", "Quist", "Rossi", "Saidi", "Tanaka", "Ueda", "Vargas", "Weber", "Zhou",
]  # fmt: skip
_GIVEN_NAMES = [
    "Anna", "Boris", "Chen", "Dina", "Emil", "Fatou", "Goran", "Hana", "Ivan", "Julia", "Karim", "Lena", "Milan",
    "Nora", "Omar", "Paula", "Rashid", "Sara", "Tomas", "Vera",
]  # fmt: skip
_TYPES = ["Lesson", "Book", "Course", "Video", "Worksheet", "Simulation", "Assessment", "Presentation"]
_LICENSES = [
    "https://creativecommons.org/licenses/by/4.0/",
    "http://creativecommons.org/licenses/by-sa/4.0",
    "CC BY-NC 4.0",
    "https://creativecommons.org/licenses/by-sa/3.0/igo/",
]

_TEMPLATE = f"""<record><header><identifier>oai:{HOST}:%s</identifier><datestamp>%s</datestamp></header>
<metadata><oai_dc:dc xmlns:oai_dc="http://www.openarchives.org/OAI/2.0/oai_dc/" \
xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" \
xsi:schemaLocation="http://www.openarchives.org/OAI/2.0/oai_dc/ http://www.openarchives.org/OAI/2.0/oai_dc.xsd">
<dc:identifier>https://{HOST}/handle/20.500/%s</dc:identifier>
<dc:identifier>https://doi.org/10.987654/generated.%s</dc:identifier>
<dc:title>%s</dc:title>
<dc:creator>%s</dc:creator>
%s
<dc:publisher>%s</dc:publisher>
<dc:date>%s</dc:date>
<dc:type>%s</dc:type>
<dc:format>application/pdf</dc:format>
<dc:rights>%s</dc:rights>
</oai_dc:dc></metadata></record>"""
_ABOUT = """<dc:subject>{topic}</dc:subject>
<dc:subject>{group}</dc:subject>
<dc:description>{description}</dc:description>
<dc:coverage>{place}</dc:coverage>
<dc:source>Open learning resources of {host}, generated for measuring; no such work exists.</dc:source>
<dc:language>{language}</dc:language>"""


@dataclass(frozen=True)
class _Words:
    """One language's sentences and vocabularies, already escaped for XML."""

    code: str
    title: str
    description: str
    topics: tuple[str, ...]
    aspects: tuple[str, ...]
    groups: tuple[str, ...]
    places: tuple[str, ...]


@cache
def _words() -> tuple[_Words, ...]:
    """Read the words of every language in samples/generate.toml."""
    languages = tomllib.loads((Path(__file__).parent / "generate.toml").read_text(encoding="utf-8"))
    lists = ("topics", "aspects", "groups", "places")
    return tuple(
        _Words(
            row["code"],
            escape(row["title"]),
            escape(" ".join(row["sentences"])),
            *(tuple(map(escape, row[name])) for name in lists),
        )
        for row in languages.values()
    )


def near_duplicate_of(number: int) -> int | None:
    """Return the number of the record that this one nearly repeats; None for a record of its own."""
    if number % _NEAR_DUPLICATE_EVERY != _NEAR_DUPLICATE_EVERY - 1:
        return None
    return number - 1 - _mixed(number) % 30


def near_duplicates(records: int) -> list[tuple[str, str]]:
    """Return every pair of identifiers that are one work, among the first `records` records."""
    numbers = range(_NEAR_DUPLICATE_EVERY - 1, records, _NEAR_DUPLICATE_EVERY)
    pairs = ((number, near_duplicate_of(number)) for number in numbers)
    return [(identifier(original), identifier(number)) for number, original in pairs if original is not None]


def identifier(number: int) -> str:
    """Return the OAI identifier of a number."""
    return f"oai:{HOST}:{number}"


def datestamp(number: int) -> str:
    """Return the datestamp of a number: EPOCH and so many seconds."""
    day, rest = divmod(number, 86_400)
    return f"{_day(day)}T{rest // 3600:02d}:{rest // 60 % 60:02d}:{rest % 60:02d}Z"


@cache
def _day(days: int) -> str:
    return (EPOCH + timedelta(days=days)).strftime("%Y-%m-%d")


def record(number: int, revised_at: str | None = None) -> bytes:
    """Return the OAI `<record>` element of a number, about 2 kB of UTF-8.

    `revised_at` is the datestamp of a later version, whose title says that it is another one.
    """
    original = near_duplicate_of(number)
    values = _values(number) if original is None else _reworded(_values(original, short=True), number)
    if revised_at is not None:
        values = values._replace(title=f"{values.title} ({_REVISED})")
    return (_TEMPLATE % (number, revised_at or datestamp(number), number, *values)).encode("utf-8")


def header(number: int, revised_at: str | None = None) -> bytes:
    """Return the `<header>` element of a number."""
    return record(number, revised_at).split(b"<metadata>", 1)[0].removeprefix(b"<record>")


def _mixed(number: int) -> int:
    """Spread a number over 62 bits (the finalizer of splitmix64), the same on every machine."""
    mixed = (number * 0x9E3779B97F4A7C15) & 0xFFFFFFFFFFFFFFFF
    mixed = ((mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9) & 0xFFFFFFFFFFFFFFFF
    return (mixed ^ (mixed >> 27)) >> 2


@cache
def _about(language: int, topic: int, group: int, place: int, short: bool = False) -> str:
    """Format the elements about the topic: some thousand texts, each made once."""
    words = _words()[language]
    chosen = {"topic": words.topics[topic], "group": words.groups[group], "place": words.places[place]}
    description = words.description.format(**chosen)
    if short:
        description = description.rsplit(". ", 1)[0] + "."
    return _ABOUT.format(**chosen, description=description, host=HOST, language=words.code)


class _Values(NamedTuple):
    """The values of a record in the order of the template."""

    work: int
    title: str
    creator: str
    about: str
    publisher: str
    date: str
    type: str
    rights: str


def _values(number: int, *, short: bool = False) -> _Values:
    language = number % len(_words())
    words = _words()[language]
    mixed = _mixed(number)
    topic, group, place = mixed % 20, mixed // 240 % 10, mixed // 2400 % 10
    return _Values(
        work=number,
        title=words.title.format(
            topic=words.topics[topic],
            aspect=words.aspects[mixed // 20 % 12],
            group=words.groups[group],
            place=words.places[place],
        ),
        creator=f"{_SURNAMES[mixed // 24000 % 24]}, {_GIVEN_NAMES[mixed // 576000 % 20]}",
        about=_about(language, topic, group, place, short),
        publisher=f"{_SURNAMES[mixed // 11520000 % 24]} Open Education Press",
        date=str(2008 + mixed // 276480000 % 17),
        type=_TYPES[mixed // 4700160000 % 8],
        rights=_LICENSES[mixed // 37601280000 % 4],
    )


def _reworded(values: _Values, number: int) -> _Values:
    """Describe the same work as another partner would: small differences, and for most no shared DOI."""
    mixed = _mixed(number + 1)
    titles = (
        values.title.replace(": ", " - ") + " (PDF)",
        values.title.upper() if values.title.isascii() else values.title + ".",
        values.title[:-3] + values.title[-2:],
        values.title.replace(", ", " / "),
    )
    surname, _, given = values.creator.partition(", ")
    creators = (values.creator, f"{surname}, {given[0]}.", f"{given} {surname}")
    return values._replace(
        title=titles[mixed % 4],
        creator=creators[mixed // 4 % 3],
        date=values.date + ("-06-15" if mixed // 12 % 2 else ""),
        work=values.work if mixed // 24 % 4 == 0 else number,
    )
