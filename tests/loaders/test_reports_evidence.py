"""What the matcher saw is told to the reader in each language of the reports."""

from __future__ import annotations

import pytest

from loaders.reports import LANGUAGES
from loaders.reports.texts import evidence_in
from transforms.match import read_model
from transforms.match.clusters import LABELS as REFUSALS
from transforms.match.links import LABELS as LINKS
from transforms.match.wording import LABELS

OTHERS = [language for language in LANGUAGES if language != "en"]


def model_labels() -> set[str]:
    levels = (level for comparison in read_model().settings["comparisons"] for level in comparison["comparison_levels"])
    return {level["label_for_charts"] for level in levels if not level.get("is_null_level")}


@pytest.mark.parametrize("language", OTHERS)
def test_every_label_of_the_evidence_is_translated_and_the_values_stay(language: str) -> None:
    for label in sorted({*model_labels(), *LABELS, *REFUSALS, *LINKS}):
        translated, values, spoken = evidence_in(f"{label}: Rivers: slides / Rivers: video", language)
        assert (values, spoken) == ("Rivers: slides / Rivers: video", language), label
        assert translated and translated != label


@pytest.mark.parametrize("kind", ["a translation", "an edition", "a version"])
@pytest.mark.parametrize("language", OTHERS)
def test_a_relation_is_translated(language: str, kind: str) -> None:
    text = f"{kind} of one work: linked, not merged"
    translated, values, spoken = evidence_in(text, language)
    assert translated != text and (values, spoken) == ("", language)


def test_english_and_what_has_no_translation_is_shown_as_it_was_seen() -> None:
    assert evidence_in("one word differs: slides / video", "en") == ("one word differs: slides / video", "", "en")
    assert evidence_in("same, by A Steward: read", "ru") == ("same, by A Steward: read", "", "en")


@pytest.mark.parametrize("language", OTHERS)
def test_a_label_within_a_label_is_translated_too(language: str) -> None:
    seen = "titles in one cluster would differ: one word differs: lakes / seas (a:1 / c:1)"
    translated, values, spoken = evidence_in(seen, language)
    assert (values, spoken) == ("lakes / seas (a:1 / c:1)", language)
    assert "differ" not in translated
