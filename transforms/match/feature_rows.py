"""Make the match features of records: one row of folded fields each, kept until the record changes."""

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

from schemas import Resource, ResourceView, match_sha256
from transforms.match.folding import fold
from transforms.match.numbering import edition_and_numbers
from transforms.match.wording import Title, without_site

FEATURES_VERSION = "7"  # of the columns' meaning: rows of another version are made again
_LISTED = pa.list_(pa.string())
FEATURES = pa.schema(
    [
        ("key", pa.string()),
        ("feed", pa.string()),
        ("record_sha256", pa.string()),  # of the catalog's record text: what tells that the row is stale
        ("match_sha256", pa.string()),  # of what a steward compares, for judgements
        ("digest", pa.string()),  # of all that follows: what tells that the pairs of the record are stale
        ("said", pa.string()),  # the title as it is shown in evidence
        ("written", _LISTED),  # every title as its words are compared: its language, a space, its text
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
    metadata={"features": FEATURES_VERSION},
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
_NO_ANCHOR = re.compile(  # fragments that name no part of a page: its top, sharing and tracking marks, highlights
    r"(top|main|content|main-?content|page-?content|header|skip\S*|_=_|\.\w+|(utm|at|pk|mtm)_\S*|xtor=\S*|:~:text=.*|[!/]*)$",
    re.IGNORECASE,
)
_STRONG = ("doi", "isbn", "handle")


class Live(NamedTuple):
    """A live accepted record of the catalog, with the sha256 of its text."""

    feed: str
    record_sha256: str
    record: Resource | ResourceView


def features(records: Iterable[Live]) -> pa.Table:
    """Return one row for each record, in key order, in about 1 kB of memory each."""
    parts = (pa.record_batch(_columns(part), schema=FEATURES) for part in chunked(records, _PART))
    return pa.Table.from_batches(parts, schema=FEATURES).sort_by("key")


def _columns(part: Sequence[Live]) -> list[list[Any]]:
    """Return the rows of some records by column, in the order of FEATURES: one column of all records at a time."""
    records = [live.record for live in part]
    said = [next(iter(record.title.values()), None) for record in records]
    written = [_written(record) for record in records]
    titles = [lines[0].partition(" ")[2] if title else None for title, lines in zip(said, written, strict=True)]
    folded = [fold(title) if title else "" for title in titles]
    years = [record.issued_year for record in records]
    lists = [_titles(titles, title) for titles, title in zip(written, folded, strict=True)]
    numbered = [_numbered(*parts) for parts in zip(folded, lists, years, strict=True)]
    people = [_makers(record) for record in records]
    described = [_description(record) for record in records]
    shown: list[list[Any]] = [
        said,
        written,
        ["; ".join(names[:5]) for names in people],
        [title or None for title in folded],
        lists,
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


def _written(record: Resource | ResourceView) -> list[str]:
    """Every title with its language, without the name of the site; the first title first."""
    sites = record.publishers
    if len(record.title) == 1 and not record.alternative_titles:
        ((tag, title),) = record.title.items()
        return [f"{_one_language(tag)} {without_site(title, sites)}"] if title else []
    titles = [*record.title.items(), *((text.language, text.text) for text in record.alternative_titles)]
    lines = (f"{_one_language(tag)} {without_site(title, sites)}" for tag, title in titles if title)
    return list(dict.fromkeys(lines))


def titles_of(written: Iterable[str]) -> list[Title]:
    """Return the titles of a record from the column `written`; of those without a letter or digit none."""
    titles = (Title(*line.split(" ", 1)) for line in written)
    return [title for title in titles if fold(title.text)]


def _numbered(folded: str, others: Iterable[str], year: int | None) -> tuple[str, str]:
    """Return the edition and the numbers of all titles: those of the first, and what the others have beside."""
    edition, numbers = edition_and_numbers(folded, year)
    for other in others:
        if other != folded:
            its_edition, its_numbers = edition_and_numbers(other, year)
            edition = edition or its_edition
            known = numbers.split()
            numbers = " ".join([*known, *(number for number in its_numbers.split() if number not in known)])
    return edition, numbers


def _size(folded: str) -> int:
    return len(folded) if folded.isascii() else len(folded) + 2 * len(_DENSE.findall(folded))


def _titles(written: list[str], folded: str) -> list[str]:
    if len(written) <= 1:
        return [folded] if folded else []
    return _distinct([fold(line.split(" ", 1)[1]) for line in written])


def _makers(record: Resource | ResourceView) -> list[str]:
    """Return the persons who made it, or the organisations where it names none: a laboratory has made many works."""
    makers = [one for one in record.contributors if one.role != "publisher"]
    return [one.name for one in makers if one.kind == "person"] or [one.name for one in makers]


def _people(names: list[str]) -> list[str]:
    words = " ".join(map(fold, names)).split()
    return sorted({word for word in words if len(word) > 1 or word.isdigit()})  # no initials


def _distinct(values: Iterable[str]) -> list[str]:
    return sorted({value for value in values if value})


def _head(title: str, folded: str) -> str | None:
    """Return the title before its subtitle; `folded` is the whole."""
    end = _SUBTITLE.search(title)
    return (fold(title[: end.start()]) if end else folded) or None


def _description(record: Resource | ResourceView) -> tuple[str | None, int | None]:
    """Return the start of the description and a hash of the whole; neither of one that is short or says nothing."""
    text = fold(next(iter(record.description.values()), ""))
    text = text[len(opening[0]) :] if (opening := _PLACEHOLDER["opening"].match(text)) else text
    if _size(text) < _LEAST or _PLACEHOLDER["description"].search(text):
        return None, None
    whole = hashlib.blake2b(text.encode(), digest_size=8).digest()
    return text[:_DESCRIPTION].strip(), int.from_bytes(whole, "big", signed=True)


def languages(record: Resource | ResourceView) -> list[str]:
    """Return the primary languages of the content, declared or detected for certain; varieties of one count as one."""
    sure = [one.tag for one in record.languages if one.origin == "declared" or one.confidence >= _CERTAIN_LANGUAGE]
    return _distinct(map(_one_language, sure))


@cache
def _one_language(tag: str) -> str:
    primary = tag.partition("-")[0].lower()
    return _ONE_LANGUAGE.get(primary, primary)


def identifiers(record: Resource | ResourceView) -> list[str]:
    """Return the identifiers of the work as scheme:value, without placeholders and addresses that name no work."""
    found: set[tuple[str, str]] = {
        (one.scheme, one.value.strip().lower()) for one in record.identifiers if one.scheme in _STRONG
    }
    urls = {record.url, *(one.value for one in record.identifiers if one.scheme == "uri")}
    addresses = {address for address in map(_address, urls) if address}
    whole_pages = {address.partition("#")[0] for address in addresses if "#" in address}  # normalized without an anchor
    found.update(("url", address) for address in addresses - whole_pages)
    return sorted([f"{scheme}:{value}" for scheme, value in found if not _PLACEHOLDER[scheme].search(value.lower())])


def _address(url: str | None) -> str:
    """Return a web address without what does not tell two pages apart; empty for a site's front page."""
    if not url or not url.startswith(("http://", "https://")):
        return ""
    address, _, fragment = url.split("://", 1)[1].partition("#")
    host, _, path = address.partition("/")
    path = path.rstrip("/")
    if fragment and not _NO_ANCHOR.match(fragment):
        path = f"{path}#{fragment.rstrip('/')}"
    return f"{host.lower().removeprefix('www.')}/{path}" if path else ""
