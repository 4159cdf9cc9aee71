"""The comparisons of the match model: what is looked at, at which levels, and the weights that are set by policy."""

from __future__ import annotations

from typing import Any

_Level = dict[str, Any]
# What is dear is asked only where something cheap leaves it open, as CASE: the parts of an AND are evaluated in no sure
# order. transforms.match.bound reads two forms: CASE WHEN cheap THEN dear ELSE false END, and CASE WHEN cheap THEN true
# ELSE dear END.


def _share(name: str, least: str) -> str:
    """That two lists have so many members in common: first by their bits, which tell how many at most."""
    sides = (("l", "r"), ("r", "l"))
    most = (f"{name}_size_{one} - bit_count({name}_bits_{one} & ~{name}_bits_{other})" for one, other in sides)
    met = f"len(list_intersect({name}_l, {name}_r)) >= {least}"
    return f"CASE WHEN least({', '.join(most)}) >= {least} THEN {met} ELSE false END"


def _meet(name: str) -> str:
    """That two lists have a member in common, first by their bits."""
    return f"CASE WHEN ({name}_bits_l & {name}_bits_r) <> 0 THEN list_has_any({name}_l, {name}_r) ELSE false END"


def _meet_alike(name: str) -> str:
    """That two lists have a member in common, and the titles are alike."""
    met = f"CASE WHEN list_has_any({name}_l, {name}_r) THEN {_ALIKE} ELSE false END"
    return f"CASE WHEN ({name}_bits_l & {name}_bits_r) <> 0 THEN {met} ELSE false END"


def _differ(name: str) -> str:
    """That two lists have members and none in common, which is sure when they have no bit in common."""
    told = f"{name}_bits_l <> 0 AND {name}_bits_r <> 0"
    return (
        f"CASE WHEN {told} AND ({name}_bits_l & {name}_bits_r) = 0 THEN true "
        f"ELSE {told} AND NOT list_has_any({name}_l, {name}_r) END"
    )


def _neither(*names: str) -> str:
    """That one side or the other has nothing in any of some lists."""
    return " OR ".join(f"({' | '.join(f'{name}_bits_{side}' for name in names)}) = 0" for side in "lr")


_LETTER = "round(strlen(title_l) / length(title_l))"  # bytes of a letter: DuckDB counts edits in bytes
_JARO = "jaro_winkler_similarity(title_l, title_r)"
_SLIP = f"WHEN {_JARO} >= 0.85 THEN levenshtein(title_l, title_r) <= {_LETTER} ELSE false END"
_NEAR = "abs(title_size_l - title_size_r) <= 2"
_LONG_TYPO = f"CASE WHEN size_l >= 30 AND {_NEAR} THEN CASE WHEN {_JARO} >= 0.97 THEN true {_SLIP} ELSE false END"
_SHORT_TYPO = (
    f"CASE WHEN size_l < 30 AND {_NEAR} THEN "
    f"CASE WHEN {_JARO} >= 0.955 THEN true WHEN least(size_l, size_r) < 12 THEN false {_SLIP} ELSE false END"
)
_ONCE = "one feed, which seldom lists a work twice"
_ALIKE = (
    f"title_l = title_r OR list_has_any(titles_l, titles_r) OR words_l = words_r OR head_l = head_r OR {_JARO} >= 0.88 "
    f"OR {_share('tokens', '0.6 * greatest(tokens_size_l, tokens_size_r)')}"
)


def _null(condition: str) -> _Level:
    """A level that says nothing."""
    return {"sql_condition": condition, "label_for_charts": "not told", "is_null_level": True}


def level(condition: str, label: str, most: float = 12.0) -> _Level:
    """A level whose weight is trained, up to `most`: made texts have less in common by chance than real ones."""
    return {"sql_condition": condition, "label_for_charts": label, "most": most}


def _policy(condition: str, label: str, weight: float) -> _Level:
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


def _comparison(name: str, *levels: _Level) -> dict[str, Any]:
    """A comparison of one thing, its levels from the strongest to the weakest."""
    return {"output_column_name": name, "comparison_description": name, "comparison_levels": list(levels)}


_GENERIC = {"tf_adjustment_column": "title", "tf_adjustment_weight": 3.3}
COMPARISONS = [
    _comparison(
        "title",
        _null("title_l IS NULL OR title_r IS NULL"),
        _policy("title_l = title_r AND size_l >= 22", "the same, and long", 21.0),
        {**_policy("title_l = title_r", "the same", 16.0), "m_probability": 0.65536, "u_probability": 1e-5, **_GENERIC},
        _policy(_meet("titles"), "the same in another language or form", 14.0),
        _policy("words_l = words_r", "the same words in another order", 14.0),
        _policy(_LONG_TYPO, "nearly the same letters, and long", 17.0),
        level(_SHORT_TYPO, "nearly the same letters", 11.0),
        _policy(
            "(head_l = title_r OR title_l = head_r) AND least(size_l, size_r) >= 36",
            "the same but for a subtitle, and very long",
            17.0,
        ),
        _policy(
            "(head_l = title_r OR title_l = head_r) AND least(size_l, size_r) >= 22",
            "the same but for a subtitle, and long",
            15.0,
        ),
        level(
            "(head_l = title_r OR title_l = head_r) AND least(size_l, size_r) >= 10",
            "the same but for a subtitle",
            12.0,
        ),
        level(_share("tokens", "0.75 * greatest(tokens_size_l, tokens_size_r)"), "most words the same", 5.5),
        level(f"{_JARO} >= 0.88", "alike", 4.0),
        level("ELSE", "different"),
    ),
    _comparison(
        "contributors",
        _null(_neither("people")),
        level(_share("people", "0.8 * greatest(people_size_l, people_size_r)"), "the same"),
        level(_share("people", "0.6 * least(people_size_l, people_size_r)"), "mostly the same"),
        level(_meet("people"), "a name in common", 3.5),
        _policy("ELSE", "different", -8.0),
    ),
    _comparison(
        "publisher",
        _null("publisher_l IS NULL OR publisher_r IS NULL"),
        level("publisher_l = publisher_r", "the same", 2.0),
        level("jaro_winkler_similarity(publisher_l, publisher_r) >= 0.9", "alike", 1.0),
        _policy("ELSE", "different", -1.0),
    ),
    _comparison(
        "description",
        _null("description_l IS NULL OR description_r IS NULL"),
        _policy("text_l = text_r", "the same", 12.0),
        _policy("jaro_winkler_similarity(description_l, description_r) >= 0.9", "begins alike", 3.0),
        _policy("ELSE", "different", -2.0),
    ),
    _comparison(
        "level",
        _null("len(levels_l) = 0 OR len(levels_r) = 0"),
        level("list_has_any(levels_l, levels_r)", "in common", 0.5),
        _policy("ELSE", "different", -1.0),
    ),
    _comparison(
        "type",
        _null("len(types_l) = 0 OR len(types_r) = 0"),
        level("list_has_any(types_l, types_r)", "in common", 0.5),
        _policy("ELSE", "different", -1.0),
    ),
    _comparison(
        "identifiers",
        _null(_neither("strong", "addresses")),
        _policy(_meet_alike("strong"), "shared", 24.0),
        _policy(_meet_alike("addresses"), "address shared", 20.0),
        _policy(_meet("strong"), "shared, under unlike titles", 10.0),
        _policy(_meet("addresses"), "address shared, under unlike titles", 4.0),
        _policy(_differ("dois"), "DOI contradicts", -8.0),
        _policy(_differ("isbns"), "ISBN contradicts", -8.0),
        _policy("ELSE", "none in common", 0.0),
    ),
    _comparison(
        "year",
        _null("year_l IS NULL OR year_r IS NULL"),
        _policy("year_l = year_r", "the same", 4.5),
        _policy("abs(year_l - year_r) = 1", "one apart", -30.0),
        _policy("ELSE", "different", -30.0),
    ),
    _comparison(
        "numbers",
        _null("numbers_l = numbers_r"),
        _policy("numbers_l = '' OR numbers_r = ''", "one is numbered", -30.0),
        _policy("ELSE", "different", -50.0),
    ),
    _comparison(
        "edition",
        _null("edition_l = edition_r"),
        _policy("edition_l IN ('', '1') AND edition_r IN ('', '1')", "the first", 0.5),
        _policy("edition_l = '' OR edition_r = ''", "one is an edition", -30.0),
        _policy("ELSE", "different", -50.0),
    ),
    _comparison(
        "feed",
        _null("feed_l IS NULL OR feed_r IS NULL"),
        _policy("feed_l <> feed_r", "two", 0.0),
        _policy("title_l = title_r OR year_l <> year_r OR edition_l <> edition_r", _ONCE, -3.0),
        _policy("NOT list_has_any(languages_l, languages_r) AND len(languages_l) * len(languages_r) > 0", _ONCE, -3.0),
        _policy("ELSE", "one feed, under two titles", -16.0),  # what a guard keeps apart already may be related
    ),
    _comparison(
        "language",
        _null("len(languages_l) = 0 OR len(languages_r) = 0"),
        _policy("list_has_any(languages_l, languages_r)", "in common", 1.0),
        _policy(
            "title_l = title_r AND (list_has_any(strong_l, strong_r) OR list_has_any(addresses_l, addresses_r))",
            "different, under one identifier and one title: one is declared wrongly",
            -1.0,
        ),
        _policy("ELSE", "different", -40.0),
    ),
]
GUARDS = ["year", "edition", "language"]  # versions and translations, apart from these, are one work
