"""Rules about descriptions, keywords and all texts of a record."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from schemas import Resource
from transforms.draft import Finding
from transforms.rules.rule import PLACEHOLDER_WORDS, Context, Rule, Violation, findings_of, from_findings

_BOILERPLATE = PLACEHOLDER_WORDS["description"]
_MARKUP = re.compile(r"</?[a-zA-Z][a-zA-Z0-9]*(?:\s[^<>]*)?/?>|<!--|&(?:[a-zA-Z]{2,8}|#\d{2,5}|#x[0-9a-fA-F]{2,5});")
_MOJIBAKE = re.compile(  # begins with a set of characters, which is found much faster than alternatives
    "[\ufffd\u0080-\u009fÃâÂÐÑØÙ](?:(?<=[\ufffd\u0080-\u009f])|(?<=Ã)[\u0080-\u00bf€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ]"
    "|(?<=â)€[\u0080-\u00bf™œ“”˜]|(?<=Â)[\u00a0-\u00bf]"
    "|(?<=[ÐÑ])[\u0080-\u00bf‚ƒ„…†‡][ÐÑ][\u0080-\u00bf‚ƒ„…†‡]|(?<=[ØÙ])[\u0080-\u00bf§„…†‡][ØÙ][\u0080-\u00bf§„…†‡])"
)
_KEYWORD_LIST = re.compile(
    r"[;|؛、,،](?:(?<![,،])|(?:[^,،\n]*[,،]){2})"
)  # subject headings have up to two commas themselves
_MIN_DESCRIPTION_CHARS = 50
_MIN_DENSE_DESCRIPTION_CHARS = 20  # in scripts without spaces, or whose signs are words
_MAX_KEYWORD_CHARS = 100
_MIN_LIST_CHARS = 13
_MAX_BOILERPLATE_CHARS = 44
_DENSE = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")


def _texts_where(resource: Resource, applies: Callable[[str], bool]) -> Iterator[Violation]:
    """Yield path and text of the texts that a person reads and to which something applies."""
    yield from ((f"title.{tag}", text) for tag, text in resource.title.items() if applies(text))
    yield from ((f"description.{tag}", text) for tag, text in resource.description.items() if applies(text))
    for number, keyword in enumerate(resource.keywords):
        if applies(keyword.text):
            yield f"keywords[{number}].text", keyword.text
    for number, person in enumerate(resource.contributors):
        if applies(person.name):
            yield f"contributors[{number}].name", person.name


def _missing(resource: Resource, _: Context) -> list[Violation]:
    return [] if any(text.strip() for text in resource.description.values()) else [("description", "")]


def _short(resource: Resource, _: Context) -> list[Violation]:
    """Judge the longest: one good description is enough. A set phrase is description_boilerplate."""
    if not resource.description:
        return []
    tag, text = max(resource.description.items(), key=lambda pair: len(pair[1]))
    if len(text) >= _MIN_DESCRIPTION_CHARS or not text.strip() or _is_boilerplate(text):
        return []
    least = _MIN_DENSE_DESCRIPTION_CHARS if _DENSE.search(text) else _MIN_DESCRIPTION_CHARS
    return [(f"description.{tag}", text)] if len(text) < least else []


def _boilerplate(resource: Resource, _: Context) -> list[Violation]:
    return [(f"description.{tag}", text) for tag, text in resource.description.items() if _is_boilerplate(text)]


def _is_boilerplate(text: str) -> bool:
    return len(text) <= _MAX_BOILERPLATE_CHARS and text.strip().casefold().rstrip(".:") in _BOILERPLATE


def _equals_title(resource: Resource, _: Context) -> list[Violation]:
    max_chars = 60 + 2 * max(map(len, resource.title.values()), default=0)
    short_descriptions = [(tag, text) for tag, text in resource.description.items() if len(text) < max_chars]
    titles = {_without_punctuation(text) for text in resource.title.values()} if short_descriptions else set()
    return [(f"description.{tag}", text) for tag, text in short_descriptions if _without_punctuation(text) in titles]


def _without_punctuation(text: str) -> str:
    return text.casefold().strip(" .!?\"'«»")


def _html(resource: Resource, context: Context) -> list[Violation]:
    return [*_texts_where(resource, _is_marked_up), *findings_of(context, "html_remains")]


def _is_marked_up(text: str) -> bool:
    return ("<" in text or "&" in text) and _MARKUP.search(text) is not None


def _mojibake(resource: Resource, _: Context) -> list[Violation]:
    return list(_texts_where(resource, _is_broken))


def _is_broken(text: str) -> bool:
    return not text.isascii() and _MOJIBAKE.search(text) is not None


def _keywords_missing(resource: Resource, _: Context) -> list[Violation]:
    return [] if resource.keywords or resource.subjects else [("keywords", "")]


def _keyword_list(resource: Resource, _: Context) -> list[Violation]:
    return [
        (f"keywords[{number}].text", keyword.text)
        for number, keyword in enumerate(resource.keywords)
        if len(keyword.text) >= _MIN_LIST_CHARS and _KEYWORD_LIST.search(keyword.text)
    ]


def _keyword_long(resource: Resource, _: Context) -> list[Violation]:
    return [
        (f"keywords[{number}].text", keyword.text)
        for number, keyword in enumerate(resource.keywords)
        if len(keyword.text) > _MAX_KEYWORD_CHARS
    ]


def finding(code: str, path: str, value: str) -> list[Finding]:
    """Return a finding for an example."""
    return [Finding(code=code, path=path, value=value)]


_GOOD_DESCRIPTION = "How green plants turn light into food, with two experiments for the classroom."

RULES = (
    Rule(
        code="description_missing", path="description", severity="warning", part="description", find=_missing,
        wrong="The record has no description.",
        why="Teachers choose by the description, and search finds little without it.",
        mend="Write two or three sentences: what it is, for whom, and what it is good for (LOM 1.4, dc:description).",
        good={"description": {"en": _GOOD_DESCRIPTION}}, bad={"description": {}},
    ),
    Rule(
        code="description_short", path="description", severity="warning", part="description", find=_short,
        wrong="The description is too short to be useful (under 50 characters; 20 in scripts such as Thai or Chinese).",
        why="It does not help a teacher to decide.",
        mend="Write two or three sentences: what it is, for whom, and what it is good for.",
        good={"description": {"en": _GOOD_DESCRIPTION}}, bad={"description": {"en": "A video."}},
    ),
    Rule(
        code="description_boilerplate", path="description", severity="warning", part="description", find=_boilerplate,
        wrong="The description is a set phrase that says nothing about the resource.",
        why="“Includes bibliography” is true for thousands of records and describes none of them.",
        mend="Replace it with a description of this resource.",
        good={"description": {"en": _GOOD_DESCRIPTION}}, bad={"description": {"en": "Includes bibliography"}},
    ),
    Rule(
        code="description_equals_title", path="description", severity="warning", part="description", find=_equals_title,
        wrong="The description only repeats the title.",
        why="It adds nothing, and hides that the description is missing.",
        mend="Describe the resource, or leave the description out.",
        good={"description": {"en": _GOOD_DESCRIPTION}},
        bad={"title": {"en": "Plants and light"}, "description": {"en": "Plants and light."}},
    ),
    Rule(
        code="html_remains", path="description", severity="warning", part="description", find=_html,
        wrong="There is HTML, or an HTML entity, in a text.",
        why="Readers see the code instead of the text.",
        mend="Export plain text, or valid HTML that is escaped once.",
        good={"description": {"en": _GOOD_DESCRIPTION + " For pH < 7 & warm water."}},
        bad={"description": {"en": _GOOD_DESCRIPTION + " <b>Free"}, "title": {"en": "Plants &amp; light"}},
    ),
    Rule(
        code="mojibake", path="description", severity="warning", part="description", find=_mojibake,
        wrong="A text holds letters that were broken by a wrong character encoding.",
        why="It cannot be read, and search does not find it.",
        mend="Export as UTF-8, and repair the stored text (often it was saved as UTF-8 and read as Windows-1252).",
        good={"title": {"fr": "L’été à l’école"}}, bad={"title": {"fr": "L’Ã©tÃ© Ã\xa0 l’Ã©cole"}},
    ),
    Rule(
        code="mojibake_repaired", path="description", severity="info", part="description",
        find=from_findings("mojibake_repaired"),
        wrong="A text was broken by a wrong character encoding; we repaired it.",
        why="The repair is a guess, and other libraries see the broken text.",
        mend="Repair the text at the source.",
        good={"findings": []}, bad={"findings": finding("mojibake_repaired", "title.fr", "L'Ã©tÃ©")},
    ),
    Rule(
        code="text_shortened", path="description", severity="info", part="description",
        find=from_findings("text_shortened"),
        wrong="A text was too long for the library and was shortened.",
        why="A description of many pages is usually the resource itself, put into the wrong field.",
        mend="Keep the description under a page.",
        good={"findings": []}, bad={"findings": finding("text_shortened", "description.en", "1200345 characters")},
    ),
    Rule(
        code="map_failed", path="map", severity="warning", part="description", find=from_findings("map_failed"),
        wrong="An entry of [map] in the feed file fails on this record.",
        why="The field stays empty, or lacks a value, although the record may hold one.",
        mend="Correct the entry in the feed file, or ask the partner why this record has another shape than others.",
        good={"findings": []}, bad={"findings": finding("map_failed", "map.keywords", "join(', ', tags): tags is 5")},
    ),
    Rule(
        code="keywords_missing", path="keywords", severity="info", part="subject", find=_keywords_missing,
        wrong="The record has neither keywords nor subjects.",
        why="It appears in no subject list, and is found by its title only.",
        mend="Add a few keywords (LOM 1.5, dc:subject), or a subject of ISCED-F.",
        good={"keywords": [{"language": "en", "text": "botany"}]}, bad={"keywords": [], "subjects": []},
    ),
    Rule(
        code="keyword_list", path="keywords", severity="info", part="subject", find=_keyword_list,
        wrong="One field holds several keywords.",
        why="The list is treated as one long keyword, which matches nothing.",
        mend="Repeat the field, one keyword in each.",
        good={"keywords": [{"language": "en", "text": "Guaíba, Lago, Bacia do"}]},
        bad={"keywords": [{"language": "en", "text": "photosynthesis, plants, light, food"}]},
    ),
    Rule(
        code="keyword_long", path="keywords", severity="info", part="subject", find=_keyword_long,
        wrong="A keyword is longer than 100 characters.",
        why="It is a sentence, and matches nothing.",
        mend="Use keywords of one to three words; put sentences into the description.",
        good={"keywords": [{"language": "en", "text": "botany"}]},
        bad={"keywords": [{"language": "en", "text": "how green plants turn light into food " * 3}]},
    ),
)  # fmt: skip
