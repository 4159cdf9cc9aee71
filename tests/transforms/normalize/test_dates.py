"""Dates as people, machines and cataloguers write them."""

from __future__ import annotations

import pytest
from edtf import parse_edtf
from hypothesis import given
from hypothesis import strategies as st

from transforms.normalize.dates import choose_dates, read_date

PLAIN = [
    ("2012", "2012"),
    ("2012-05", "2012-05"),
    ("2021-3-5", "2021-03-05"),
    ("2007-06-04T11:33:20Z", "2007-06-04"),
    ("2008-06-19 17:55:27", "2008-06-19"),
    ("20120315", "2012-03-15"),
    ("2013/04/05", "2013-04-05"),
    ("Mon Apr 29 16:35:48 PDT 2013", "2013-04-29"),
    ("Mon, 29 Apr 2013 16:35:48 GMT", "2013-04-29"),
    ("Thu Sep 05 00:00:00 UTC 2019", "2019-09-05"),
    ("December 12th, 2012", "2012-12-12"),
    ("c2012", "2012"),
    ("©2012", "2012"),
    ("[2012]", "2012"),
    ("2003 [i.e. 2004]", "2004"),
    ("31/12/2012", "2012-12-31"),
    ("12/31/2012", "2012-12-31"),
    ("3.4.2012", "2012-04-03"),
    ("05/2012", "2012-05"),
    ("2012/2014", "2012/2014"),
    ("1998-1999", "1998/1999"),
    ("1998-99", "1998/1999"),
    ("2012-13", "2012/2013"),
    ("2009/10", "2009/2010"),
    ("2011/12", "2011/2012"),
    ("1999/00", "1999/2000"),
    ("2009–10", "2009/2010"),
    ("2009-10", "2009-10"),
    ("2009/11", "2009-11"),
    ("[between 1990 and 1995]", "1990/1995"),
    ("2012-05-03/2013-06-01", "2012-05-03/2013-06-01"),
    ("2012-", "2012/.."),
    ("Spring 2012", "2012-21"),
    ("2013-00-00", "2013"),
    ("avril 2013", "2013-04"),
    ("1er mai 2013", "2013-05-01"),
    ("29 апреля 2013 г.", "2013-04-29"),
    ("15. март 2013.", "2013-03-15"),
    ("15. mart 2013", "2013-03-15"),
    ("18 de março de 2013", "2013-03-18"),
    ("15. März 2013", "2013-03-15"),
    ("15 مارس 2013", "2013-03-15"),
    ("15 جانفي 2013", "2013-01-15"),
    ("١٥ آذار ٢٠١٣", "2013-03-15"),
    ("٢٠١٣", "2013"),
    ("Paris, 1998", "1998"),
    ("Published: 2012-03-04", "2012-03-04"),
]
FLAGGED = [
    ("[2015?]", None, "2015?", {"approximate"}),
    ("2015?", None, "2015?", {"approximate"}),
    ("ca. 1998", None, "1998~", {"approximate"}),
    ("около 1998", None, "1998~", {"approximate"}),
    ("199-?", None, "199X", {"approximate"}),
    ("1990s", None, "199X", {"approximate"}),
    ("18??", None, "18XX", {"approximate"}),
    ("17th century", None, "16XX", {"approximate"}),
    ("3/4/2012", None, "2012", {"ambiguous"}),
    ("2004, cop. 2003", None, "2004", {"ambiguous"}),
    ("2013-02-30", None, "2013-02", {"impossible"}),
    ("2013-13-01", None, "2013", {"impossible"}),
    ("0000-00-00", None, "", {"impossible"}),
    ("9999-12-31", None, "", {"impossible"}),
    ("2031-01-01", None, "2031-01-01", {"future"}),
    ("2554", None, "2011", {"buddhist"}),
    ("๒๕๕๔", None, "2011", {"buddhist"}),
    ("พ.ศ. 2554", "th", "2011", {"buddhist"}),
    ("15 มีนาคม 2554", "th", "2011-03-15", {"buddhist"}),
    ("2554-03-15", "th", "2011-03-15", {"buddhist"}),
    ("2011", "th", "2011", set()),
    ("1434 هـ", None, "2012/2013", {"hijri"}),
    ("١٤٣٤هـ", None, "2012/2013", {"hijri"}),
    ("1434", "ar", "2012/2013", {"hijri", "assumed"}),
    ("1435-1436", "ar", "2013/2015", {"hijri", "assumed"}),
    ("1300/1399", "ar", "1300/1399", set()),
    ("1440/05/20", "ar", "2019-01-27~", {"hijri", "assumed", "approximate"}),
    ("1434-05", "ar", "1434-05", set()),
    ("1457-08-11", "ar", "1457-08-11", set()),
    ("1491", "ar", "1491", set()),
    ("1300", "ar", "", {"ambiguous"}),
    ("1491 هـ", "ar", "", {"hijri", "future"}),
    ("891 AH", None, "1486/1487", {"hijri"}),
    ("1440 H", "id", "2018/2019", {"hijri"}),
    ("1399", "fa", "2020/2021", {"persian", "assumed"}),
    ("۱۵ مهر ۱۳۹۹", "fa", "2020-10-06", {"persian"}),
    ("1380 ش", None, "2001/2002", {"persian"}),
    ("1421ق", "fa", "2000/2001", {"hijri"}),
    ("1399-05-20", "fa", "1399-05-20", set()),
    ("1486 [891 AH]", "ar", "1486", set()),
    ("1418 (821 هـ)", "ar", "1418", set()),
    ("1399 [2020]", "fa", "2020", set()),
    ("1300 (1884)", "tr", "1884", set()),
    ("15 رمضان 1434 هـ الموافق 23 يوليو 2013م", "ar", "2013-07-23", set()),
    ("1431-1432 هـ / 2010-2011 م", "ar", "2010/2011", set()),
    ("16 Rajab 1068 [19 April 1658]", "en", "1658-04-19", set()),
    ("1292 م", "ar", "1292", set()),
    ("1434 AH", None, "2012/2013", {"hijri"}),
    ("1434", "fr", "1434", set()),
    ("1434هـ / 2013م", "ar", "2013", set()),
    ("1434/2013", "ar", "2013", set()),
    ("2554 [2011]", "th", "2011", set()),
    ("2011 (2554)", "th", "2011", set()),
    ("1434-1435 هـ", None, "2012/2014", {"hijri"}),
    ("พ.ศ. 2554-2555", "th", "2011/2012", {"buddhist"}),
    ("2554-", "th", "2011/..", {"buddhist"}),
    ("رمضان 1441", "ar", "2020-04/2020-05", {"hijri"}),
    ("before 1990", None, "../1990", {"approximate"}),
    ("15 رمضان 1434", "ar", "2013-07-23~", {"hijri", "approximate"}),
]


@pytest.mark.parametrize(("written", "edtf"), PLAIN)
def test_plain_dates(written: str, edtf: str) -> None:
    result = read_date(written, today="2026-11-26")
    assert result is not None
    assert (result.edtf, result.year, result.flags) == (edtf, int(edtf[:4]), ())


@pytest.mark.parametrize(("written", "language", "edtf", "flags"), FLAGGED)
def test_doubtful_dates_are_flagged(written: str, language: str | None, edtf: str, flags: set[str]) -> None:
    result = read_date(written, language=language, today="2026-11-26")
    assert result is not None
    assert (result.edtf, set(result.flags)) == (edtf, flags)


@pytest.mark.parametrize(
    "written", ["", "n.d.", "Not found", "03/04/12", "s.a.", "in press", "200000000-01-01", "1550-1069 BCE", "x" * 500]
)
def test_no_date_is_none(written: str) -> None:
    assert read_date(written) is None


@pytest.mark.parametrize("edtf", [edtf for _, edtf in PLAIN] + [edtf for _, _, edtf, _ in FLAGGED if edtf])
def test_what_comes_out_is_edtf_and_stays_itself(edtf: str) -> None:
    parse_edtf(edtf)
    again = read_date(edtf)
    assert again is not None
    assert again.edtf == edtf


def test_without_the_year_of_the_harvest_nothing_is_in_the_future() -> None:
    assert "future" not in getattr(read_date("2300"), "flags", ())


def test_unknown_meanings_the_earliest_without_a_time_wins() -> None:
    result = choose_dates([("2010-05-06T10:11:12Z", None), ("2010-05-06T10:11:12Z", None), ("2009", None)])
    assert result.issued is not None
    assert (result.issued.edtf, result.issued_index, result.modified) == ("2009", 2, None)
    only_stamps = choose_dates([("2010-05-06T10:11:12Z", None), ("2009-05-06T10:11:12Z", None)])
    assert only_stamps.issued_index == 1


def test_named_meanings_decide() -> None:
    result = choose_dates(
        [
            ("2011-01-02T03:04:05Z", "accessioned"),
            ("2011-01-02T03:04:05Z", "available"),
            ("2012-07", "dc.date.created"),
            ("2010-03", "issued"),
            ("2020-01-01", "modified"),
            ("2021-01-01", "updated"),
        ]
    )
    assert result.issued is not None
    assert result.modified is not None
    assert (result.issued.edtf, result.issued_index) == ("2010-03", 3)
    assert (result.modified.edtf, result.modified_index) == ("2021-01-01", 5)


def test_an_archives_date_is_never_the_works() -> None:
    assert choose_dates([("2011-01-02T03:04:05Z", "accessioned")]).issued is None


def test_the_end_of_an_embargo_is_not_when_it_came_out() -> None:
    result = choose_dates([("info:eu-repo/date/embargoEnd/2026-11-01", None), ("2027", None)])
    assert result.issued_index == 1


@pytest.mark.parametrize(
    ("written", "future"),
    [
        ("2026-11-26", False),
        ("2026-11-27", True),
        ("2026-11", False),
        ("2026-12", True),
        ("2026", False),
        ("2027", True),
        ("[2027?]", True),
        ("2019/2030", False),
    ],
)
def test_what_is_after_the_day_of_the_harvest_is_in_the_future(written: str, future: bool) -> None:
    result = read_date(written, today="2026-11-26")
    assert result is not None
    assert ("future" in result.flags) is future


def test_a_possible_date_comes_before_an_impossible_one() -> None:
    result = choose_dates([("2013-02-30", None), ("2014", None)], today="2026-11-26")
    assert result.issued_index == 1
    assert "impossible" in result.flags


@given(st.text(max_size=200), st.sampled_from([None, "th", "ar", "en", "sr-Cyrl"]), st.none() | st.dates().map(str))
def test_any_text_has_an_answer_that_is_edtf(written: str, language: str | None, today: str | None) -> None:
    result = read_date(written, language=language, today=today)
    if result is not None and result.edtf:
        parse_edtf(result.edtf)
        assert result.year is not None


YEARS = st.sampled_from(["1434", "2013", "2554", "2011", "٢٠١٣", "๒๕๕๔", "1998", "99", "3000", "1441-09", "2012-02-30"])
MARKS = st.sampled_from(
    ["", "-", "/", " - ", " [", "] ", " هـ ", "م", "พ.ศ. ", "?", "c", "ca. ", "رمضان ", "May ", "before "]
)


@given(st.lists(YEARS | MARKS, max_size=6), st.sampled_from([None, "ar", "th"]))
def test_years_marks_and_calendars_in_any_order_have_an_answer_that_is_edtf(
    parts: list[str], language: str | None
) -> None:
    result = read_date("".join(parts), language=language, today="2026-11-26")
    if result is not None and result.edtf:
        parse_edtf(result.edtf)


@given(
    st.from_regex(
        r"[\[(cp©]{0,2}[0-9\u0660-\u0669]{3,5}[-/. ?~]{0,2}[0-9]{0,2}[-/. ]{0,1}[0-9]{0,4}[\])?]{0,2}", fullmatch=True
    )
)
def test_anything_like_a_date_has_an_answer_that_is_edtf(written: str) -> None:
    result = read_date(written, today="2026-11-26")
    if result is not None and result.edtf:
        parse_edtf(result.edtf)


@given(
    st.lists(
        st.tuples(st.text(max_size=30), st.none() | st.sampled_from(["issued", "created", "modified", "x"])), max_size=6
    )
)
def test_any_dates_are_chosen_from(written: list[tuple[str, str | None]]) -> None:
    result = choose_dates(written)
    assert (result.issued is None) == (result.issued_index is None)
    assert result.issued_index is None or 0 <= result.issued_index < len(written)


def test_the_same_date_given_to_the_day_is_preferred() -> None:
    result = choose_dates([("2019", "issued"), ("2019-05-06", "Issued")])
    assert result.issued is not None and (result.issued.edtf, result.issued_index) == ("2019-05-06", 1)
    result = choose_dates([("2019", "issued"), ("2019-01-01", "issued")])
    assert result.issued is not None and result.issued.edtf == "2019"
    result = choose_dates([("2019", "issued"), ("2019-05-06", "created")])
    assert result.issued is not None and result.issued.edtf == "2019"


@pytest.mark.parametrize(
    ("written", "language", "calendar", "edtf"),
    [
        ("1440", "ar", "gregorian", "1440"),
        ("1440 هـ", "ar", "gregorian", "2018/2019"),
        ("1300", "ar", "hijri", "1882/1883"),
        ("1440", "en", "hijri", "2018/2019"),
        ("1440-05", "ar", "hijri", "1440-05"),
        ("2018", "ar", "hijri", "2018"),
        ("1399", "en", "persian", "2020/2021"),
        ("2553", "en", "buddhist", "2010"),
        ("2010", "th", "buddhist", "2010"),
    ],
)
def test_the_feeds_calendar_is_that_of_years_without_a_mark(
    written: str, language: str, calendar: str, edtf: str
) -> None:
    result = read_date(written, language=language, today="2026-11-26", calendar=calendar)
    assert result is not None
    assert result.edtf == edtf
    assert "assumed" not in result.flags
