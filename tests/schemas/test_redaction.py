"""A name is found however it is escaped, and what is JSON stays JSON."""

from __future__ import annotations

import json
from typing import Any

import pytest

from schemas import ERASED, digest_text, glued_digests, redact

NAME = digest_text("Zoë Quistgaard-Brandt")


@pytest.mark.parametrize(
    "text",
    [
        "Zo&amp;euml; Quistgaard-Brandt",
        "Zo&amp;amp;#235; Quistgaard&amp;#45;Brandt",
        "Zoë&lt;/b&gt; &lt;i&gt;Quistgaard&lt;/i&gt;-Brandt",
        "&amp;lt;b&amp;gt;Zoë&amp;lt;/b&amp;gt; Quistgaard-Brandt",
        "Zoë Quist\u00adgaard-Bran\u2060dt",
        "Zoë\u200e Quist&shy;gaard-Brandt",
        r"Zo\\u00eb Quistgaard-Brandt",
        r"\u003cb\u003eZo\u00eb\u003c/b\u003e Quistgaard-Brandt",
        "Zoë<br/>Quistgaard-Brandt",
        "Zoë <![CDATA[Quistgaard-Brandt]]>",
        "Z<b>o</b>ë Quist<wbr>gaard-Brandt",
        "ZoëQuistgaard-Brandt",
        "Zo&euml Quistgaard-Brandt",
        "Zoë Quist\n gaard-Brandt",
        "ENCODING=QUOTED-PRINTABLE:Zo=C3=AB Quist=\ngaard-Brandt",
        "Zo%25C3%25AB%2520Quistgaard-Brandt",
        "Zo%EB+Quistgaard-Brandt",
        "Zo\u200bë Quist\u200bgaard-Brandt",
        "=100 $aQuistgaard-Brandt, Zoë",
        "ZoÃ« Quistgaard-Brandt",
    ],
)
def test_a_name_is_found_through_every_escape_that_a_crosswalk_reads(text: str) -> None:
    for whole in (f"A book by {text}, with answers.", json.dumps({"by": [text, "Zoe"]})):
        redacted = redact(whole, [NAME])
        assert ERASED in redacted and "Quist" not in redacted
        assert "gaard" not in redacted


@pytest.mark.parametrize("kept", ["Zoë Quist and Ann Brandt", "Johanna Lindh", "Lian", "Brilliant", "Max wells"])
def test_other_names_with_the_same_letters_stay(kept: str) -> None:
    digests = [NAME, *map(digest_text, ("Anna Lindh", "Li An", "Max Well"))]
    assert redact(kept, digests) == kept


def test_what_markup_parted_from_a_name_is_found_where_the_markup_is_dropped() -> None:
    for markup in ("<b>{}</b>", "&lt;b&gt;{}&lt;/b&gt;", r"\u003cb\u003e{}\u003c/b\u003e"):
        (digest,) = set(glued_digests(f"written by{markup.format('Zoë Quistgaard-Brandt')}in May", [NAME]))
        assert redact("written byZoë Quistgaard-Brandtin May", [digest]) == f"written {ERASED} May"
    for parted in ("by <b>Zoë Quistgaard-Brandt</b>.", "<a>by</a><a>Zoë Quistgaard-Brandt</a>"):
        assert list(glued_digests(parted, [NAME])) == []


def test_what_is_json_stays_json_and_keeps_its_fields() -> None:
    phone, person = digest_text("49301234567"), digest_text("name")
    payload: Any = {"name": "A name", "phone": 49301234567, "more": [-49301234567, None, True], "49301234567": 1}
    text = json.dumps(payload)
    assert json.loads(redact(text, [phone], numbers=True)) == payload | {"phone": ERASED, "more": [ERASED, None, True]}
    assert json.loads(redact(text, [phone])) == payload
    assert json.loads(redact(text, [person])) == payload | {"name": f"A {ERASED}"}
    for literal in ("null", "true"):
        assert redact(text, [digest_text(literal)], numbers=True) == text


def test_a_name_that_names_a_field_is_taken_out_of_it() -> None:
    listed = json.dumps({"Quistgaard-Brandt, Zoë": {"born": 1970}, "Zoë": "Quistgaard-Brandt"})
    assert json.loads(redact(listed, [NAME])) == {f"{ERASED}": {"born": 1970}, "Zoë": "Quistgaard-Brandt"}
