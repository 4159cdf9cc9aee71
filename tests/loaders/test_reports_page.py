"""What every page of a report says in the reader's language and direction."""

from __future__ import annotations

from loaders.reports.page import rule_text

RULES = {
    "url_insecure": {
        "mend": "Serve https://",
        "mend.ar": "قدّم https://example.org/a/. لا http://",
        "mend.fr": "https://",
    }
}


def test_an_address_in_arabic_words_keeps_its_own_direction() -> None:
    text, spoken = rule_text(RULES, "url_insecure", "mend", "ar")
    assert spoken == "ar"
    assert text == "قدّم \u2066https://example.org/a/\u2069. لا \u2066http://\u2069"
    assert rule_text(RULES, "url_insecure", "mend", "fr") == ("https://", "fr")
    assert rule_text(RULES, "url_insecure", "mend", "ru") == ("Serve https://", "en")
