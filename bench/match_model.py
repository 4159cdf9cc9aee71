"""The comparisons of the match model: their conditions in SQL, their levels, and the weights that are set by policy."""

from __future__ import annotations

from typing import Any, NamedTuple

from transforms.match import LevelBound

_Level = dict[str, Any]
_EXACT = LevelBound(kind="exact")
_UNKNOWN = LevelBound(kind="unknown")


class Condition(NamedTuple):
    """The condition of a level, and what transforms.match.compared_records tells of it beforehand.

    A costly condition is evaluated only where a cheap one leaves it open. That takes CASE, as the parts of an AND are
    evaluated in no guaranteed order.
    """

    sql: str
    bound: LevelBound = _EXACT


def _in_full(sql: str) -> Condition:
    """Return a condition that needs the texts or lists themselves."""
    return Condition(sql, _UNKNOWN)


def _only_where(cheap: str, costly: str) -> Condition:
    """Return the condition `costly`, which cannot hold where `cheap` does not."""
    return Condition(f"CASE WHEN {cheap} THEN {costly} ELSE false END", LevelBound(kind="necessary", condition=cheap))


def _share(name: str, least: str) -> Condition:
    """Write the condition that two lists share at least `least` members: first by bits, which give an upper bound."""
    sides = (("l", "r"), ("r", "l"))
    bounds = (f"{name}_size_{side} - bit_count({name}_bits_{side} & ~{name}_bits_{other})" for side, other in sides)
    return _only_where(f"least({', '.join(bounds)}) >= {least}", f"len(list_intersect({name}_l, {name}_r)) >= {least}")


def _meet(name: str) -> Condition:
    """Write the condition that two lists have a member in common, first by their bits."""
    return _only_where(_common_bits(name), f"list_has_any({name}_l, {name}_r)")


def _meet_alike(name: str) -> Condition:
    """Write the condition that two lists have a member in common, and the titles are alike."""
    met = f"CASE WHEN list_has_any({name}_l, {name}_r) THEN {_ALIKE} ELSE false END"
    return _only_where(_common_bits(name), met)


def _common_bits(name: str) -> str:
    return f"({name}_bits_l & {name}_bits_r) <> 0"


def _differ(name: str) -> Condition:
    """Write the condition that two lists have members and none in common, which follows from no common bit."""
    filled = f"{name}_bits_l <> 0 AND {name}_bits_r <> 0"
    cheap = f"{filled} AND ({name}_bits_l & {name}_bits_r) = 0"
    sql = f"CASE WHEN {cheap} THEN true ELSE {filled} AND NOT list_has_any({name}_l, {name}_r) END"
    return Condition(sql, LevelBound(kind="sufficient", condition=cheap))


def _neither(*names: str) -> str:
    """Write the condition that one side has nothing in any of these lists."""
    return " OR ".join(f"({' | '.join(f'{name}_bits_{side}' for name in names)}) = 0" for side in "lr")


_LETTER = "round(strlen(title_l) / length(title_l))"  # bytes of a letter: DuckDB counts edits in bytes
_JARO = "jaro_winkler_similarity(title_l, title_r)"
_SLIP = f"WHEN {_JARO} >= 0.85 THEN levenshtein(title_l, title_r) <= {_LETTER} ELSE false END"
_NEAR = "abs(title_length_l - title_length_r) <= 2"
_LONG_TYPO = _only_where(f"title_letters_l >= 30 AND {_NEAR}", f"CASE WHEN {_JARO} >= 0.97 THEN true {_SLIP}")
_SHORT_TYPO = _only_where(
    f"title_letters_l < 30 AND {_NEAR}",
    f"CASE WHEN {_JARO} >= 0.955 THEN true WHEN least(title_letters_l, title_letters_r) < 12 THEN false {_SLIP}",
)
_ONCE = "one feed, which seldom lists a work twice"
_ALIKE = (
    "title_l = title_r OR list_has_any(titles_l, titles_r) OR sorted_words_l = sorted_words_r "
    f"OR main_title_l = main_title_r OR {_JARO} >= 0.88 "
    f"OR {_share('tokens', '0.6 * greatest(tokens_size_l, tokens_size_r)').sql}"
)


_ONE_DESCRIPTION = "description_hash_l = description_hash_r"
_ONE_TITLE = "title_l = title_r"
_DEPOSIT_MAX_YEARS = 5  # between a work and its deposit elsewhere under the same description
_REPRINT_MAX_YEARS = 3  # between two publications of a work under one title
ONE_YEAR_APART = "one apart"
FEW_YEARS_APART = "a few years apart, under one title"
OTHER_LANGUAGE = "different, under one title"


def _apart(years: int, condition: str | Condition) -> Condition:
    """Write the condition that records of two feeds, of which `condition` holds, are at most some years apart."""
    sql, bound = condition if isinstance(condition, Condition) else Condition(condition)
    near = f"feed_l <> feed_r AND abs(year_l - year_r) <= {years}"
    cheap = bound.condition if bound.kind == "necessary" else sql
    if cheap == sql:
        return Condition(f"{near} AND {sql}")
    return _only_where(f"{near} AND {cheap}", sql)


def _null(condition: str | Condition) -> _Level:
    """Make a level that counts neither for nor against a pair."""
    return {**_conditioned(condition), "label_for_charts": "not told", "is_null_level": True}


def level(condition: str | Condition, label: str, most: float = 12.0) -> _Level:
    """Make a level whose weight is trained, up to `most`: made texts share less by chance than real ones."""
    return {**_conditioned(condition), "label_for_charts": label, "most": most}


def _policy(condition: str | Condition, label: str, weight: float) -> _Level:
    """Make a level whose weight (log2 of the Bayes factor) is set by policy, not estimated."""
    m, u = (0.9, 0.9 / 2**weight) if weight > 0 else (0.9 * 2**weight, 0.9)
    return {
        **_conditioned(condition),
        "label_for_charts": label,
        "m_probability": m,
        "u_probability": u,
        "fix_m_probability": True,
        "fix_u_probability": True,
    }


def _conditioned(condition: str | Condition) -> _Level:
    """Return the start of a level; `bound` is not splink's and goes to the model's bounds."""
    sql, bound = condition if isinstance(condition, Condition) else Condition(condition)
    return {"sql_condition": sql, "bound": bound}


def _comparison(name: str, *levels: _Level) -> dict[str, Any]:
    """Make a comparison; its levels run from the strongest to the weakest."""
    return {"output_column_name": name, "comparison_description": name, "comparison_levels": list(levels)}


_GENERIC = {"tf_adjustment_column": "title", "tf_adjustment_weight": 3.3}
_TABLE = [
    _comparison(
        "title",
        _null("title_l IS NULL OR title_r IS NULL"),
        _policy("title_l = title_r AND title_letters_l >= 22", "the same, and long", 21.0),
        {**_policy("title_l = title_r", "the same", 16.0), "m_probability": 0.65536, "u_probability": 1e-5, **_GENERIC},
        _policy(_meet("titles"), "the same in another language or form", 14.0),
        _policy("sorted_words_l = sorted_words_r", "the same words in another order", 14.0),
        _policy(_LONG_TYPO, "most letters the same, and long", 17.0),
        level(_SHORT_TYPO, "most letters the same", 11.0),
        _policy(
            "(main_title_l = title_r OR title_l = main_title_r) AND least(title_letters_l, title_letters_r) >= 36",
            "the same but for a subtitle, and very long",
            17.0,
        ),
        _policy(
            "(main_title_l = title_r OR title_l = main_title_r) AND least(title_letters_l, title_letters_r) >= 22",
            "the same but for a subtitle, and long",
            15.0,
        ),
        level(
            "(main_title_l = title_r OR title_l = main_title_r) AND least(title_letters_l, title_letters_r) >= 10",
            "the same but for a subtitle",
            12.0,
        ),
        _policy("main_title_l = title_r OR title_l = main_title_r", "the same but for a subtitle, and short", 7.0),
        level(_share("tokens", "0.75 * greatest(tokens_size_l, tokens_size_r)"), "most words the same", 7.5),
        level(_in_full(f"{_JARO} >= 0.88"), "alike", 4.0),
        level("ELSE", "different"),
    ),
    _comparison(
        "contributors",
        _null(_neither("name_words")),
        level(_share("name_words", "0.8 * greatest(name_words_size_l, name_words_size_r)"), "the same"),
        level(_share("name_words", "0.6 * least(name_words_size_l, name_words_size_r)"), "mostly the same"),
        level(_meet("name_words"), "a name in common", 3.5),
        _policy("ELSE", "different", -8.0),
    ),
    _comparison(
        "publisher",
        _null("publisher_l IS NULL OR publisher_r IS NULL"),
        level("publisher_l = publisher_r", "the same", 2.0),
        level(_in_full("jaro_winkler_similarity(publisher_l, publisher_r) >= 0.9"), "alike", 1.0),
        _policy("ELSE", "different", -1.0),
    ),
    _comparison(
        "description",
        _null("description_start_l IS NULL OR description_start_r IS NULL"),
        _policy("description_hash_l = description_hash_r", "the same", 12.0),
        _policy(
            _in_full("jaro_winkler_similarity(description_start_l, description_start_r) >= 0.9"), "begins alike", 3.0
        ),
        _policy("ELSE", "different", -2.0),
    ),
    _comparison(
        "level",
        _null(_in_full("len(levels_l) = 0 OR len(levels_r) = 0")),
        level(_in_full("list_has_any(levels_l, levels_r)"), "in common", 0.5),
        _policy("ELSE", "different", -1.0),
    ),
    _comparison(
        "type",
        _null(_in_full("len(types_l) = 0 OR len(types_r) = 0")),
        level(_in_full("list_has_any(types_l, types_r)"), "in common", 0.5),
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
        _policy(_apart(1, _ONE_DESCRIPTION), "one apart, under one description or identifier", -3.0),
        _policy(_apart(1, _meet("strong")), "one apart, under one description or identifier", -3.0),
        _policy(_apart(1, _meet("addresses")), "one apart, under one description or identifier", -3.0),
        _policy(_apart(1, _ONE_TITLE), ONE_YEAR_APART, -5.0),
        _policy(_apart(_DEPOSIT_MAX_YEARS, f"{_ONE_TITLE} AND ({_ONE_DESCRIPTION})"), FEW_YEARS_APART, -8.0),
        _policy(_apart(_REPRINT_MAX_YEARS, _ONE_TITLE), FEW_YEARS_APART, -12.0),
        _policy("ELSE", "different", -30.0),
    ),
    _comparison(
        "numbers",
        _null("numbers_l = numbers_r"),
        _policy("regexp_full_match(numbers_l || numbers_r, '(19|20)[0-9][0-9]')", "one has a year in its title", -0.5),
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
        _policy(
            _in_full("NOT list_has_any(languages_l, languages_r) AND len(languages_l) * len(languages_r) > 0"),
            _ONCE,
            -3.0,
        ),
        _policy("ELSE", "one feed, under two titles", -16.0),  # what a guard keeps apart already may be related
    ),
    _comparison(
        "language",
        _null(_in_full("len(languages_l) = 0 OR len(languages_r) = 0")),
        _policy(_in_full("list_has_any(languages_l, languages_r)"), "in common", 1.0),
        _policy(
            _in_full(
                "title_l = title_r AND (list_has_any(strong_l, strong_r) OR list_has_any(addresses_l, addresses_r))"
            ),
            "different, under one identifier and one title: one is declared wrongly",
            -1.0,
        ),
        _policy(
            f"title_l = title_r AND ({_ONE_DESCRIPTION})",
            "different, under one title and description: one is declared wrongly",
            -1.0,
        ),
        _policy(
            "title_l = title_r AND feed_l <> feed_r AND (description_start_l IS NULL OR description_start_r IS NULL)",
            OTHER_LANGUAGE,
            -10.0,
        ),
        _policy("ELSE", "different", -40.0),
    ),
]
DOUBTFUL = {  # levels at which a pair is for a person to look at, at best, unless an identifier is shared
    "year": [ONE_YEAR_APART, FEW_YEARS_APART],
    "language": [OTHER_LANGUAGE],
}
GUARDS = ["year", "edition", "language"]  # versions and translations, apart from these, are one work
BOUNDS = {
    comparison["output_column_name"]: [level["bound"] for level in comparison["comparison_levels"]]
    for comparison in _TABLE
}
COMPARISONS = [
    {
        **comparison,
        "comparison_levels": [
            {name: value for name, value in level.items() if name != "bound"}
            for level in comparison["comparison_levels"]
        ],
    }
    for comparison in _TABLE
]
