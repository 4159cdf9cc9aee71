"""Survivorship: which value of which record survives, and that provenance says so."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas import (
    Concept,
    Contributor,
    Correction,
    CorrectionUnusable,
    Identifier,
    Language,
    License,
    Link,
    Member,
    Origin,
    Relation,
    Resource,
    Text,
    apply_correction,
)
from transforms.merge import SURVIVORSHIP, merge

BY = License(
    uri="https://creativecommons.org/licenses/by/4.0/",
    spdx="CC-BY-4.0",
    label=None,
    statement="CC BY",
    origin="record",
    open=True,
)


def member(key: str, trust: int = 0, **fields: Any) -> Member:
    """A record whose provenance names, for each field, its own key."""
    provenance = {field: (Origin(key=key, path=f"/{field}", rule="dc"),) for field in fields}
    return Member(trust=trust, record=Resource(key=key, **fields, provenance=provenance))


def set_to(path: str, value: str | None, number: int = 7) -> Correction:
    return Correction(id=number, path=path, value=value, by="Steward", at="2026-01-01")


def test_every_field_has_a_survivor() -> None:
    assert set(SURVIVORSHIP) == set(Resource.__struct_fields__) - {"provenance"}


def test_merging_a_single_record_returns_it_unchanged() -> None:
    alone = member("a:1", title={"en": "Fractions"}, keywords=(Text(language="en", text="a"),) * 2)
    assert merge([alone]).record is alone.record


def test_the_most_trusted_comes_first_then_the_smaller_key() -> None:
    members = [
        member("a:1", title={"en": "A"}),
        member("b:1", 3, title={"en": "B"}),
        member("c:1", 3, title={"en": "C"}),
    ]
    record = merge(members).record
    assert (record.key, record.title) == ("b:1", {"en": "B"})
    assert record.provenance["title"] == (Origin(key="b:1", path="/title", rule="dc"),)


def test_what_the_trusted_record_lacks_comes_from_the_next() -> None:
    record = merge([member("a:1", 5, title={"en": "A"}), member("b:1", license=BY, title={"fr": "B"})]).record
    assert record.license == BY
    assert record.provenance["license"][0].key == "b:1"
    assert record.title == {"en": "A", "fr": "B"}


def test_the_longest_description_of_each_language_survives() -> None:
    left = member("a:1", 5, description={"en": "short", "fr": "le plus long des deux"})
    right = member("b:1", description={"en": "the longer of the two", "fr": "court"})
    record = merge([left, right]).record
    assert record.description == {"en": "the longer of the two", "fr": "le plus long des deux"}
    assert {origin.key for origin in record.provenance["description"]} == {"a:1", "b:1"}


def test_lists_are_united_without_repeats() -> None:
    text = Concept(code="text", label="Text", source="Text")
    left = member("a:1", levels=("1", "2"), resource_types=(text,), links=(Link(url="https://u.test/1"),))
    again = Concept(code="text", label="Text", source="txt")
    other = Link(url="https://u.test/1", media_type="text/html")
    right = member("b:1", levels=("2", "3"), resource_types=(again,), links=(other,))
    record = merge([left, right]).record
    assert record.levels == ("1", "2", "3")
    assert record.resource_types == (text,)
    assert [link.url for link in record.links] == ["https://u.test/1"]
    assert [origin.key for origin in record.provenance["levels"]] == ["a:1", "b:1"]
    assert [origin.key for origin in record.provenance["resource_types"]] == ["a:1"]


def test_the_newest_change_and_the_year_of_the_surviving_issue() -> None:
    left = member("a:1", 5, modified="2019-01-01", issued_year=1999)
    right = member("b:1", modified="2024", issued="2010-05", issued_year=2010)
    record = merge([left, right]).record
    assert record.modified == "2024"
    assert (record.issued, record.issued_year) == ("2010-05", 2010)


def test_contributors_come_from_a_single_record() -> None:
    people = (Contributor(name="Li Wei", role="author", kind="person"),)
    others = (Contributor(name="Wei, L.", role="author", kind="person"),)
    assert merge([member("a:1", contributors=people), member("b:1", contributors=others)]).record.contributors == people


def test_related_resources_are_linked() -> None:
    linked = Relation(kind="isversionof", target="01ABC")
    record = merge([member("a:1", title={"en": "A"})], related=[linked]).record
    assert record.relations == (linked,)
    assert record.provenance["relations"][-1].rule == "matcher: related works"


@pytest.mark.parametrize(
    ("path", "value", "field", "becomes"),
    [
        ("title.en", '"Mended"', "title", {"en": "Mended"}),
        ("title.fr", '"Réparé"', "title", {"en": "A", "fr": "Réparé"}),
        ("levels", '["2"]', "levels", ("2",)),
        ("languages[0].tag", '"fr"', "languages", (Language(tag="fr", origin="declared", confidence=1.0),)),
        ("url", None, "url", None),
    ],
)
def test_a_correction_is_applied_last_and_named_in_the_provenance(
    path: str, value: str | None, field: str, becomes: Any
) -> None:
    fields = {
        "title": {"en": "A"},
        "languages": (Language(tag="en", origin="declared", confidence=1.0),),
        "url": "https://u.test",
    }
    merged = merge([member("a:1", **fields)], [set_to(path, value)])
    assert getattr(merged.record, field) == becomes
    assert merged.record.provenance[field] == (Origin(key="curation:7", path=path, rule="curation: Steward"),)
    assert merged.problems == ()


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("nonsense", '"x"'),
        ("key", '"x"'),
        ("", '"x"'),
        ("title", '"text"'),
        ("languages[3].tag", '"fr"'),
        ("levels", "["),
        ("issued_year", '"x"'),
    ],
)
def test_a_correction_that_does_not_fit_is_named_and_the_rest_stands(path: str, value: str) -> None:
    with pytest.raises(CorrectionUnusable, match="correction 7"):
        apply_correction(Resource(key="a:1", title={"en": "A"}), set_to(path, value))
    merged = merge([member("a:1", title={"en": "A"})], [set_to(path, value), set_to("title.en", '"B"', 8)])
    assert merged.record.title == {"en": "B"}
    assert len(merged.problems) == 1


@pytest.mark.parametrize(
    ("path", "value", "why"),
    [
        ("issued", '"banana"', "is not a date in EDTF"),
        ("modified", '"2015-13"', "is not a date in EDTF"),
        ("levels", '["2", "99"]', "'99' is none of 0, 1, 2"),
        ("difficulty", '"banana"', "'banana' is none of very easy"),
        ("audiences", '["alien"]', "'alien' is none of teacher"),
        ("typical_learning_time", '"an hour"', "is not a duration in ISO 8601"),
        ("age_range", '{"min": 50, "max": 2}', "from the youngest to the oldest"),
        ("title.xx-bad-lang-tag-toolong", '"hello"', "is not a language tag"),
        ("formats", '["PDF"]', "is not a media type"),
        ("resource_types", '[{"code": "thing", "label": "Thing", "source": ""}]', "'thing' is none of application"),
        ("relations", '[{"kind": "likes", "target": "x"}]', "'likes' is none of ispartof"),
        ("issued_year", "1949", "set issued"),
        ("license.uri", "null", "set license to null"),
    ],
)
def test_a_value_that_the_field_cannot_have_is_refused(path: str, value: str, why: str) -> None:
    with pytest.raises(CorrectionUnusable, match=re.escape(why)):
        apply_correction(Resource(key="a:1"), set_to(path, value))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("issued", '"2015/2017"'),
        ("issued", '"2015-05~"'),
        ("typical_learning_time", '"P1W"'),
        ("typical_learning_time", '"PT1H30M"'),
        ("age_range", '{"min": 6, "max": null}'),
        ("description.sr-Latn", '"Kratak opis"'),
        ("formats", '["application/vnd.oasis.opendocument.text"]'),
    ],
)
def test_a_value_that_the_field_can_have_is_taken(path: str, value: str) -> None:
    assert apply_correction(Resource(key="a:1"), set_to(path, value)) != Resource(key="a:1")


def test_a_record_with_invalid_values_can_still_be_corrected() -> None:
    odd = Resource(key="a:1", title={"xx-bad-lang-tag-toolong": "A"}, levels=("99",))
    assert apply_correction(odd, set_to("title.en", '"B"')).title["en"] == "B"


def test_a_corrected_date_takes_its_year_with_it() -> None:
    record = merge([member("a:1", issued="2020", issued_year=2020)], [set_to("issued", '"2015-05"')]).record
    assert (record.issued, record.issued_year) == ("2015-05", 2015)
    assert merge([member("a:1", issued="2020", issued_year=2020)], [set_to("issued", None)]).record.issued_year is None


@pytest.mark.parametrize(("date", "year"), [("-0500", None), ("Y20150", None), ("../2015", 2015), ("201X", None)])
def test_a_corrected_date_without_a_plain_year_gets_no_year(date: str, year: int | None) -> None:
    assert apply_correction(Resource(key="a:1"), set_to("issued", f'"{date}"')).issued_year == year


def test_a_corrected_licence_does_not_keep_the_label_of_the_old_one() -> None:
    by = "https://creativecommons.org/licenses/by/4.0/"
    was = License(uri=by, spdx="CC-BY-4.0", label="CC BY 4.0", statement="CC BY", origin="record", open=True)
    strict = "https://creativecommons.org/licenses/by-nc-nd/4.0/"
    for before in (was, None):
        record = merge([member("a:1", license=before)], [set_to("license.uri", f'"{strict}"')]).record
        assert record.license == License(
            uri=strict,
            spdx="CC-BY-NC-ND-4.0",
            label="CC BY-NC-ND 4.0",
            statement="CC BY" if before else strict,
            origin="record",
            open=False,
        )
    own = "https://example.org/terms"
    record = merge([member("a:1", license=was)], [set_to("license.uri", f'"{own}"')]).record
    assert record.license == License(uri=own, spdx=None, label=None, statement="CC BY", origin="record", open=None)


@given(st.permutations(["a:1", "b:1", "c:1", "d:1"]))
def test_the_order_of_the_members_does_not_matter(order: list[str]) -> None:
    made = {
        key: member(key, place % 2, title={"en": key}, keywords=(Text(language="en", text=key[0]),), modified="2020")
        for place, key in enumerate(["a:1", "b:1", "c:1", "d:1"])
    }
    assert merge([made[key] for key in order]) == merge(list(made.values()))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("license.url", '"https://example.org/l"'),
        ("license", '{"url": "https://example.org/l"}'),
        ("identifiers[0].kind", '"doi"'),
        ("contributors", '[{"name": "A B", "role": "author", "kind": "person", "id": null, "mail": "a@b.example"}]'),
    ],
)
def test_a_part_that_no_record_has_is_refused_and_not_lost(path: str, value: str) -> None:
    record = Resource(key="a:1", title={"en": "A"}, identifiers=[Identifier(scheme="uri", value="https://x.example/1")])
    with pytest.raises(CorrectionUnusable):
        apply_correction(record, set_to(path, value))
