"""A record with a hostile field is assessed in time that grows with the field, in every kind of format."""

from __future__ import annotations

import json
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from growth import growth, in_time, steepest
from lxml import etree

from schemas import Assessment, Feed, SourceRecord
from transforms import transform
from transforms.match.numbering import edition_and_numbers
from transforms.normalize.people import names as people_names

FIXTURES = Path(__file__).parents[1] / "fixtures"
TEXTS = (
    *("(", "[", ")", " ", "\n ", " ,", "- ", "; ", ", ", "1/", "7", "1-", "٤", "a", "A. ", "a.", "\u0301", "ﷺ", "中"),
    *("<", "<a x='1' ", "<!--", "<p>", "&", "&amp;", '"', "http://", "a@", "a@b.c ", "by-", "CC BY ", "©", "not "),
    *("Smith, J. and ", "et al. ", "BEGIN:VCARD\n", " FN;", "\\n", "10.1234/", "isbn ", "doi ", "1999-", "[?", ".pdf?"),
)
pytestmark = pytest.mark.early
numbers = count()  # a text must not be one that was read before


def record(format_: str, text: str) -> SourceRecord:
    """A fixture's record with one text in all its fields."""
    path = next(path for path in (FIXTURES / format_).glob("all_fields.*") if "golden" not in path.name)
    text = f"{text} {next(numbers)}"
    if path.suffix == ".json":
        payload = json.dumps(_filled(json.loads(path.read_text(encoding="utf-8")), text), ensure_ascii=False)
    else:
        root = etree.parse(str(path)).getroot()
        for element in root.iter(etree.Element):
            if len(element) == 0 and (element.text or "").strip():
                element.text = text
        payload = etree.tostring(root, encoding="unicode")
    return SourceRecord(
        feed="f",
        identifier="1",
        format=format_,
        datestamp=None,
        payload=payload,
        sha256="0",
        harvested_at="2026-01-01T00:00:00Z",
    )


def _filled(value: Any, text: str, name: str = "") -> Any:
    if isinstance(value, dict):
        return {key: _filled(member, text, key) for key, member in value.items()}
    if isinstance(value, list):
        return [_filled(member, text, name) for member in value]
    return text if isinstance(value, str) and not name.startswith("@") else value


def assessed(format_: str, text: str) -> Assessment:
    feed = Feed(name="f", title="F", partner="P", url="https://a.example/x", protocol="oai_pmh", format=format_)
    return transform(record(format_, text), feed)


def slow_texts(format_: str) -> str:
    """One line for each text on which the time grows faster than the text."""
    reasons = {
        text: growth(partial(assessed, format_), lambda size, text=text: text * (size // len(text)), 2_000, 8_000)
        for text in TEXTS
    }
    return "\n".join(f"{text!r}: {reason}" for text, reason in reasons.items() if reason)


@pytest.mark.parametrize("format_", ["oai_dc", "lom", "marcxml", "schema_org"])
def test_time_grows_with_the_field(format_: str) -> None:
    assert assessed(format_, "word").resource is not None
    assert not in_time(partial(slow_texts, format_), 200)


@pytest.mark.parametrize("repeated", [", ", "(, ", ") , ", ",)", ",("])
def test_commas_are_split_in_one_pass(repeated: str) -> None:
    assert not steepest(people_names._split_at_commas, lambda size: repeated * (size // len(repeated)))


def test_commas_inside_brackets_do_not_part_a_statement() -> None:
    assert people_names._split_at_commas("A (b, c) , D [e,f], G") == ["A (b, c)", "D [e,f]", "G"]
    assert people_names._split_at_commas("A, b (c") == ["A", "b (c"]


def test_a_title_of_five_thousand_digits_is_compared_like_any_other() -> None:
    assert edition_and_numbers("7" * 5_000, None) == ("", "7" * 5_000)
    assert edition_and_numbers("part 007", None) == ("", "7")
