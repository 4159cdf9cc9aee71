"""The comparisons of the match model: what is looked at, at which levels, and the weights that are set by policy."""

from __future__ import annotations

from typing import Any

Level = dict[str, Any]
PEOPLE = "len(list_intersect(people_l, people_r))"
TOKENS = "len(list_intersect(tokens_l, tokens_r))"
# CASE, since the parts of an AND are evaluated in no sure order, and the second ones are dear
LETTER = "round(strlen(title_l) / length(title_l))"  # bytes of a letter: DuckDB counts edits in bytes
JARO = "jaro_winkler_similarity(title_l, title_r)"
SLIP = f"WHEN {JARO} >= 0.85 THEN levenshtein(title_l, title_r) <= {LETTER} ELSE false END"
LONG_TYPO = (
    "CASE WHEN size_l < 30 OR abs(length(title_l) - length(title_r)) > 2 THEN false "
    f"WHEN {JARO} >= 0.97 THEN true {SLIP}"
)
SHORT_TYPO = (
    "CASE WHEN size_l >= 30 OR abs(length(title_l) - length(title_r)) > 2 THEN false "
    f"WHEN {JARO} >= 0.955 THEN true WHEN least(size_l, size_r) < 12 THEN false {SLIP}"
)
ALIKE = (
    "title_l = title_r OR list_has_any(titles_l, titles_r) OR words_l = words_r OR head_l = head_r "
    f"OR jaro_winkler_similarity(title_l, title_r) >= 0.88 OR {TOKENS} >= 0.6 * greatest(len(tokens_l), len(tokens_r))"
)


def null(condition: str) -> Level:
    """A level that says nothing."""
    return {"sql_condition": condition, "label_for_charts": "not told", "is_null_level": True}


def level(condition: str, label: str, most: float = 12.0) -> Level:
    """A level whose weight is trained, up to `most`: made texts have less in common by chance than real ones."""
    return {"sql_condition": condition, "label_for_charts": label, "most": most}


def policy(condition: str, label: str, weight: float) -> Level:
    """A level whose weight (log2 of the Bayes factor) is a decision of ours, not an estimate."""
    m, u = (0.9, 0.9 / 2**weight) if weight > 0 else (0.9 * 2**weight, 0.9)
    return {
        "sql_condition": condition,
        "label_for_charts": label,
        "m_probability": m,
        "u_probability": u,
        "fix_m_probability": True,
        "fix_u_probability": True,
    }


def comparison(name: str, *levels: Level) -> dict[str, Any]:
    """A comparison of one thing, its levels from the strongest to the weakest."""
    return {"output_column_name": name, "comparison_description": name, "comparison_levels": list(levels)}


GENERIC = {"tf_adjustment_column": "title", "tf_adjustment_weight": 3.3}
COMPARISONS = [
    comparison(
        "title",
        null("title_l IS NULL OR title_r IS NULL"),
        policy("title_l = title_r AND size_l >= 22", "the same, and long", 21.0),
        {**policy("title_l = title_r", "the same", 16.0), "m_probability": 0.65536, "u_probability": 1e-5, **GENERIC},
        policy("list_has_any(titles_l, titles_r)", "the same in another language or form", 14.0),
        policy("words_l = words_r", "the same words in another order", 14.0),
        policy(LONG_TYPO, "the same but for a letter or two, and long", 17.0),
        level(SHORT_TYPO, "the same but for a letter or two", 11.0),
        policy(
            "(head_l = title_r OR title_l = head_r) AND least(size_l, size_r) >= 36",
            "the same but for a subtitle, and very long",
            17.0,
        ),
        policy(
            "(head_l = title_r OR title_l = head_r) AND least(size_l, size_r) >= 22",
            "the same but for a subtitle, and long",
            15.0,
        ),
        level(
            "(head_l = title_r OR title_l = head_r) AND least(size_l, size_r) >= 10",
            "the same but for a subtitle",
            12.0,
        ),
        level(f"{TOKENS} >= 0.75 * greatest(len(tokens_l), len(tokens_r))", "most words the same", 5.5),
        level("jaro_winkler_similarity(title_l, title_r) >= 0.88", "alike", 4.0),
        level("ELSE", "different"),
    ),
    comparison(
        "contributors",
        null("len(people_l) = 0 OR len(people_r) = 0"),
        level(f"{PEOPLE} >= 0.8 * greatest(len(people_l), len(people_r))", "the same"),
        level(f"{PEOPLE} >= 0.6 * least(len(people_l), len(people_r))", "mostly the same"),
        level(f"{PEOPLE} > 0", "a name in common", 3.5),
        policy("ELSE", "different", -8.0),
    ),
    comparison(
        "publisher",
        null("publisher_l IS NULL OR publisher_r IS NULL"),
        level("publisher_l = publisher_r", "the same", 2.0),
        level("jaro_winkler_similarity(publisher_l, publisher_r) >= 0.9", "alike", 1.0),
        policy("ELSE", "different", -1.0),
    ),
    comparison(
        "description",
        null("description_l IS NULL OR description_r IS NULL"),
        policy("description_l = description_r AND length(description_l) >= 60", "begins the same, and long", 12.0),
        level("description_l = description_r", "begins the same", 10.0),
        policy("jaro_winkler_similarity(description_l, description_r) >= 0.9", "begins alike", 3.0),
        policy("ELSE", "different", -2.0),
    ),
    comparison(
        "level",
        null("len(levels_l) = 0 OR len(levels_r) = 0"),
        level("list_has_any(levels_l, levels_r)", "in common", 0.5),
        policy("ELSE", "different", -1.0),
    ),
    comparison(
        "type",
        null("len(types_l) = 0 OR len(types_r) = 0"),
        level("list_has_any(types_l, types_r)", "in common", 0.5),
        policy("ELSE", "different", -1.0),
    ),
    comparison(
        "identifiers",
        null("len(strong_l) + len(addresses_l) = 0 OR len(strong_r) + len(addresses_r) = 0"),
        policy(f"CASE WHEN list_has_any(strong_l, strong_r) THEN {ALIKE} ELSE false END", "shared", 24.0),
        policy(f"CASE WHEN list_has_any(addresses_l, addresses_r) THEN {ALIKE} ELSE false END", "address shared", 20.0),
        policy("list_has_any(strong_l, strong_r)", "shared, under unlike titles", 10.0),
        policy("list_has_any(addresses_l, addresses_r)", "address shared, under unlike titles", 4.0),
        policy("len(dois_l) > 0 AND len(dois_r) > 0 AND NOT list_has_any(dois_l, dois_r)", "DOI contradicts", -8.0),
        policy(
            "len(isbns_l) > 0 AND len(isbns_r) > 0 AND NOT list_has_any(isbns_l, isbns_r)", "ISBN contradicts", -8.0
        ),
        policy("ELSE", "none in common", 0.0),
    ),
    comparison(
        "year",
        null("year_l IS NULL OR year_r IS NULL"),
        policy("year_l = year_r", "the same", 4.5),
        policy("abs(year_l - year_r) = 1", "one apart", -30.0),
        policy("ELSE", "different", -30.0),
    ),
    comparison(
        "numbers",
        null("numbers_l = numbers_r"),
        policy("numbers_l = '' OR numbers_r = ''", "one is numbered", -30.0),
        policy("ELSE", "different", -50.0),
    ),
    comparison(
        "edition",
        null("edition_l = edition_r"),
        policy("edition_l IN ('', '1') AND edition_r IN ('', '1')", "the first", 0.5),
        policy("edition_l = '' OR edition_r = ''", "one is an edition", -30.0),
        policy("ELSE", "different", -50.0),
    ),
    comparison(
        "feed",
        null("feed_l IS NULL OR feed_r IS NULL"),
        policy("feed_l = feed_r", "one feed, which seldom lists a work twice", -3.0),
        policy("ELSE", "two", 0.0),
    ),
    comparison(
        "language",
        null("len(languages_l) = 0 OR len(languages_r) = 0"),
        policy("list_has_any(languages_l, languages_r)", "in common", 1.0),
        policy(
            "title_l = title_r AND (list_has_any(strong_l, strong_r) OR list_has_any(addresses_l, addresses_r))",
            "different, under one identifier and one title: one is declared wrongly",
            -1.0,
        ),
        policy("ELSE", "different", -40.0),
    ),
]
GUARDS = ["year", "edition", "language"]  # versions and translations, apart from these, are one work
