"""Identifiers among citations and noise."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.normalize.identifiers import explain_invalid, read_identifier, split_identifiers

KNOWN = [
    ("doi:10.7910/DVN/QOGMVI", None, "doi", "10.7910/dvn/qogmvi"),
    ("https://doi.org/10.5281/zenodo.20607281", None, "doi", "10.5281/zenodo.20607281"),
    ("http://dx.doi.org/10.1016/j.x(2020).", "uri", "doi", "10.1016/j.x(2020)"),
    ("10.5281/zenodo.843", None, "doi", "10.5281/zenodo.843"),
    ("info:eu-repo/semantics/altIdentifier/doi/10.1364/OE.21.021857", None, "doi", "10.1364/oe.21.021857"),
    ("DOI 10.1000/ABC", None, "doi", "10.1000/abc"),
    ("doi.org/10.1000/182", None, "doi", "10.1000/182"),
    ("https://doi.org/https://doi.org/10.1000/182", None, "doi", "10.1000/182"),
    ("10.1000/182 (pdf)", None, "doi", "10.1000/182"),
    (
        "10.1002/(SICI)1097-4571(199806)49:8<693::AID-ASI4>3.0.CO;2-O",
        None,
        "doi",
        "10.1002/(sici)1097-4571(199806)49:8<693::aid-asi4>3.0.co;2-o",
    ),
    ("hdl.handle.net/11599/22", None, "handle", "11599/22"),
    ("http://hdl.handle.net/11599/22?locale=fr", None, "handle", "11599/22"),
    ("ISSN-L 0378-5955", None, "issn", "0378-5955"),
    ("ISBN-13: 978-0-306-40615-7", None, "isbn", "9780306406157"),
    ("0306406152", "isbn", "isbn", "9780306406157"),
    ("ISBN 978-0-306-40615-7 (hbk)", None, "isbn", "9780306406157"),
    ("urn:isbn:9780306406157", None, "isbn", "9780306406157"),
    ("0-306-40615-2", None, "isbn", "9780306406157"),
    ("ISSN 0378-5955", None, "issn", "0378-5955"),
    ("0378-5955", None, "issn", "0378-5955"),
    ("hdl:1765/1104", None, "handle", "1765/1104"),
    ("http://hdl.handle.net/11599/22", "uri", "handle", "11599/22"),
    ("https://oasis.col.org/handle/11599/22", None, "handle", "11599/22"),
    (
        "http://nuir.lib.nu.ac.th/dspace/handle/123456789/5",
        None,
        "uri",
        "https://nuir.lib.nu.ac.th/dspace/handle/123456789/5",
    ),
    ("https://unesdoc.unesco.org/ark:/48223/pf0000397002/fre", None, "ark", "ark:/48223/pf0000397002"),
    ("ark:/21198/zz0026w32q", None, "ark", "ark:/21198/zz0026w32q"),
    ("oai:dspace.mit.edu:1721.1/137828", None, "oai", "oai:dspace.mit.edu:1721.1/137828"),
    ("oai:doaj.org/article:5cdfcf7b24", None, "oai", "oai:doaj.org/article:5cdfcf7b24"),
    ("urn:NBN:de:0111-1", None, "uri", "urn:nbn:de:0111-1"),
    ("HTTP://Example.org:80/a/?utm_source=x#top", "URI", "uri", "https://example.org/a"),
    ("WOS: 000289830000028", None, "other", "WOS: 000289830000028"),
    ("o:1234", None, "other", "o:1234"),
]
NOISE = [
    ("Smith, J. (2010). A long title. Journal of Things, 3(4), 5-6.", None),
    ("Smith 2010", "citation"),
    ("Smith 2010", "dc.identifier.citation".rpartition(".")[2]),
    ("n/a", None),
    ("-", None),
    ("0000", None),
    ("Portrait File", None),
    ("Common molecules Sample 50646", None),
    ("0306406153", "isbn"),
    ("1234-5678", "issn"),
    ("", None),
]


@pytest.mark.parametrize(("written", "hint", "scheme", "value"), KNOWN)
def test_identifiers_in_one_spelling(written: str, hint: str | None, scheme: str, value: str) -> None:
    result = read_identifier(written, hint)
    assert result is not None
    assert (result.scheme, result.value) == (scheme, value)
    assert explain_invalid(written, hint) is None


@pytest.mark.parametrize(("written", "hint"), NOISE)
def test_citations_and_noise_are_no_identifiers(written: str, hint: str | None) -> None:
    assert read_identifier(written, hint) is None


@pytest.mark.parametrize(
    ("written", "hint", "reason"),
    [
        ("0306406153", "isbn", "check digit"),
        ("ISBN 978-0-306-40615-8", None, "check digit"),
        ("978-0-306", "isbn", "digits"),
        ("1234-5678", "issn", "check digit"),
        ("10.1234", "doi", "prefix and suffix"),
    ],
)
def test_an_invalid_identifier_is_explained(written: str, hint: str | None, reason: str) -> None:
    why = explain_invalid(written, hint)
    assert why is not None
    assert reason in why


@pytest.mark.parametrize(
    ("written", "hint", "values"),
    [
        ("ISBN: 978-92-3-100123-9, 978-0-306-40615-7", None, ["9789231001239", "9780306406157"]),
        ("978-92-3-100123-9; 0306406152", "isbn", ["9789231001239", "9780306406157"]),
        ("0378-5955, 2049-3630", None, ["0378-5955", "2049-3630"]),
    ],
)
def test_a_list_of_identifiers_is_split(written: str, hint: str | None, values: list[str]) -> None:
    result = [read_identifier(part, hint) for part in split_identifiers(written, hint)]
    assert [identifier and identifier.value for identifier in result] == values


@pytest.mark.parametrize("written", ["Vol. 3, 12", "0378-5955, 0378-5954", "Smith, J.", "", ";", "10.1000/a,b"])
def test_a_text_that_is_not_a_list_of_identifiers_stays_whole(written: str) -> None:
    assert split_identifiers(written) == (written,)


HINTS = st.none() | st.sampled_from(["doi", "isbn", "issn", "handle", "uri", "ark", "oai", "other", "citation", ""])


@given(st.text(max_size=300), HINTS)
def test_any_text_is_read_or_explained_without_an_error(written: str, hint: str | None) -> None:
    result = read_identifier(written, hint)
    explain_invalid(written, hint)
    assert split_identifiers(written, hint)
    if result is not None:
        assert result.value.strip()


@given(st.sampled_from([(written, hint) for written, hint, *_ in KNOWN]))
def test_a_value_is_itself_under_its_scheme(case: tuple[str, str | None]) -> None:
    first = read_identifier(*case)
    assert first is not None
    assert read_identifier(first.value, first.scheme) == first
