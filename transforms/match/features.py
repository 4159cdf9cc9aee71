"""What the matcher reads of a record: one row of folded match fields, made once and kept until the record changes."""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pyarrow as pa
from more_itertools import chunked

from schemas import Compared, Resource, match_sha256
from transforms.match.fold import fold
from transforms.match.number import edition_and_numbers
from transforms.match.wording import without_site, wording

VERSION = "6"  # of the columns' meaning: rows of another version are made again
_LISTED = pa.list_(pa.string())
_COLUMNS = pa.schema(
    [
        ("key", pa.string()),
        ("feed", pa.string()),
        ("record_sha256", pa.string()),  # of the catalog's record text: what tells that the row is stale
        ("match_sha256", pa.string()),  # of what a steward compares, for judgements
        ("digest", pa.string()),  # of all that follows: what tells that the pairs of the record are stale
        ("said", pa.string()),  # the title as it is shown in evidence
        ("wording", pa.string()),  # of the title, as its words are compared (transforms.match.wording)
        ("names", pa.string()),  # the contributors as they are shown in evidence
        ("title", pa.string()),
        ("titles", _LISTED),  # folded, of every language
        ("size", pa.int32()),  # letters of the title; one of Han, kana or hangul counts as three
        ("words", pa.string()),  # of the title, in alphabetical order
        ("head", pa.string()),  # the title without its subtitle
        ("numbers", pa.string()),  # numerals of the title, of any script and kind
        ("edition", pa.string()),
        ("people", _LISTED),  # words of the persons' names; of the organisations' where no person is named
        ("year", pa.int32()),
        ("publisher", pa.string()),
        ("description", pa.string()),  # its start; none where it says nothing
        ("text", pa.int64()),  # a hash of the whole description
        ("levels", _LISTED),
        ("types", _LISTED),
        ("languages", _LISTED),
        ("identifiers", _LISTED),  # doi:, isbn:, handle: and url: with the value
    ],
    metadata={"features": VERSION},
)
_PART = 10_000  # records of which the rows are held before they become columns
_DESCRIPTION = 80  # characters of the folded description
_LEAST = 40  # letters of a description that says something of its work
_CERTAIN_LANGUAGE = 0.8  # a detected language below this says nothing
_ONE_LANGUAGE = {"sr": "hbs", "hr": "hbs", "bs": "hbs", "sh": "hbs", "cnr": "hbs", "nb": "no", "nn": "no", "und": ""}
_DENSE = re.compile("[\u3040-\u9fff\uac00-\ud7af]")  # letters of scripts that write a word in one or two
_SUBTITLE = re.compile(r"(?<!\s)\s++(?:[:;–—(\[|/]|-\s|[.]\s)|[:;–—(\[|/]|[.]\s")
_PLACEHOLDERS: Mapping[str, list[str]] = tomllib.loads(
    (Path(__file__).parent / "placeholders.toml").read_text(encoding="utf-8")
)
_PLACEHOLDER = {name: re.compile("|".join(shapes)) for name, shapes in _PLACEHOLDERS.items()}
_STRONG = ("doi", "isbn", "handle")


class Live(NamedTuple):
    """A live accepted record of the catalog, with the sha256 of its text."""

    feed: str
    record_sha256: str
    record: Resource | Compared


def features(records: Iterable[Live]) -> pa.Table:
    """The rows of some records, in key order. Memory: about 1 kB a record."""
    parts = (pa.record_batch(_columns(part), schema=_COLUMNS) for part in chunked(records, _PART))
    return pa.Table.from_batches(parts, schema=_COLUMNS).sort_by("key")


def feature(live: Live) -> dict[str, Any]:
    """The row of one record."""
    return {name: column[0] for name, column in zip(_COLUMNS.names, _columns([live]), strict=True)}


def _columns(part: Sequence[Live]) -> list[list[Any]]:
    """The rows of some records by column, in the order of COLUMNS: each is made of all records before the next."""
    records = [live.record for live in part]
    said = [next(iter(record.title.values()), None) for record in records]
    titles = [_without_site(record, title) for record, title in zip(records, said, strict=True)]
    folded = [fold(title) if title else "" for title in titles]
    years = [record.issued_year for record in records]
    numbered = [edition_and_numbers(title, year) for title, year in zip(folded, years, strict=True)]
    people = [_makers(record) for record in records]
    described = [_description(record) for record in records]
    shown: list[list[Any]] = [
        said,
        [_wording(*parts) for parts in zip(records, titles, folded, strict=True)],
        ["; ".join(names[:5]) for names in people],
        [title or None for title in folded],
        [_titles(record, title) for record, title in zip(records, folded, strict=True)],
        [_size(title) for title in folded],
        [" ".join(sorted(title.split())) or None for title in folded],
        [_head(title, whole) if title else None for title, whole in zip(titles, folded, strict=True)],
        [numbers for _, numbers in numbered],
        [edition for edition, _ in numbered],
        [_people(names) for names in people],
        years,
        [fold(record.publishers[0]) or None if record.publishers else None for record in records],
        [start for start, _ in described],
        [text for _, text in described],
        [list(record.levels) for record in records],
        [[concept.code for concept in record.resource_types] for record in records],
        [languages(record) for record in records],
        [identifiers(record) for record in records],
    ]
    return [
        [record.key for record in records],
        [live.feed for live in part],
        [live.record_sha256 for live in part],
        [match_sha256(record) for record in records],
        [hashlib.sha256(text).hexdigest() for text in map(msgspec.json.encode, zip(*shown, strict=True))],
        *shown,
    ]


def _without_site(record: Resource | Compared, title: str | None) -> str | None:
    return without_site(title, record.publishers) if title else title


def _wording(record: Resource | Compared, title: str | None, folded: str) -> str | None:
    return wording(title, folded, next(iter(record.title))) if title and folded else None


def _size(folded: str) -> int:
    return len(folded) if folded.isascii() else len(folded) + 2 * len(_DENSE.findall(folded))


def _titles(record: Resource | Compared, folded: str) -> list[str]:
    if len(record.title) == 1 and not record.alternative_titles:
        return [folded] if folded else []
    others = [one.text for one in record.alternative_titles]
    sites = record.publishers
    return _distinct([fold(without_site(title, sites)) for title in (*record.title.values(), *others)])


def _makers(record: Resource | Compared) -> list[str]:
    """The persons who made it, or the organisations where it names none: a laboratory has made many works."""
    makers = [one for one in record.contributors if one.role != "publisher"]
    return [one.name for one in makers if one.kind == "person"] or [one.name for one in makers]


def _people(names: list[str]) -> list[str]:
    words = " ".join(map(fold, names)).split()
    return sorted({word for word in words if len(word) > 1 or word.isdigit()})  # no initials


def _distinct(values: Iterable[str]) -> list[str]:
    return sorted({value for value in values if value})


def _head(title: str, folded: str) -> str | None:
    """The title before its subtitle; `folded` is the whole."""
    end = _SUBTITLE.search(title)
    return (fold(title[: end.start()]) if end else folded) or None


def _description(record: Resource | Compared) -> tuple[str | None, int | None]:
    """The start of the description and a hash of the whole; neither of one that is short or says nothing."""
    text = fold(next(iter(record.description.values()), ""))
    text = text[len(opening[0]) :] if (opening := _PLACEHOLDER["opening"].match(text)) else text
    if _size(text) < _LEAST or _PLACEHOLDER["description"].search(text):
        return None, None
    whole = hashlib.blake2b(text.encode(), digest_size=8).digest()
    return text[:_DESCRIPTION].strip(), int.from_bytes(whole, "big", signed=True)


def languages(record: Resource | Compared) -> list[str]:
    """The primary languages of the content that are declared or certain; varieties of one language are one."""
    sure = [one.tag for one in record.languages if one.origin == "declared" or one.confidence >= _CERTAIN_LANGUAGE]
    return _distinct(map(_one_language, sure))


@cache
def _one_language(tag: str) -> str:
    primary = tag.partition("-")[0].lower()
    return _ONE_LANGUAGE.get(primary, primary)


def identifiers(record: Resource | Compared) -> list[str]:
    """Identifiers that can make two records certain, as scheme:value; placeholders are none."""
    found: set[tuple[str, str]] = {
        (one.scheme, one.value.strip().lower()) for one in record.identifiers if one.scheme in _STRONG
    }
    addresses = {record.url, *(one.value for one in record.identifiers if one.scheme == "uri")}
    found.update(("url", address) for address in map(_address, addresses) if address)
    return sorted([f"{scheme}:{value}" for scheme, value in found if not _PLACEHOLDER[scheme].search(value)])


def _address(url: str | None) -> str:
    """A web address without what does not tell two pages apart; empty for a site's front page."""
    if not url or not url.startswith(("http://", "https://")):
        return ""
    host, _, path = url.split("://", 1)[1].partition("#")[0].partition("/")
    path = path.rstrip("/")
    return f"{host.lower().removeprefix('www.')}/{path}" if path else ""
