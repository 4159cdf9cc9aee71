"""Rules about descriptions, keywords and whatever is written in a record."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from schemas import Resource
from transforms.draft import Finding
from transforms.rules.rule import PLACEHOLDER_WORDS, Breach, Context, Rule, reported

_BOILERPLATE = PLACEHOLDER_WORDS["description"]
_MARKUP = re.compile(r"</?[a-zA-Z][a-zA-Z0-9]*(?:\s[^<>]*)?/?>|<!--|&(?:[a-zA-Z]{2,8}|#\d{2,5}|#x[0-9a-fA-F]{2,5});")
_MOJIBAKE = re.compile(  # a set first: it is found much faster than one of several beginnings
    "[\ufffd\u0080-\u009fÃâÂÐÑØÙ](?:(?<=[\ufffd\u0080-\u009f])|(?<=Ã)[\u0080-\u00bf€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ]"
    "|(?<=â)€[\u0080-\u00bf™œ“”˜]|(?<=Â)[\u00a0-\u00bf]"
    "|(?<=[ÐÑ])[\u0080-\u00bf‚ƒ„…†‡][ÐÑ][\u0080-\u00bf‚ƒ„…†‡]|(?<=[ØÙ])[\u0080-\u00bf§„…†‡][ØÙ][\u0080-\u00bf§„…†‡])"
)
_LIST = re.compile(r"[;|؛、,،](?:(?<![,،])|(?:[^,،\n]*[,،]){2})")  # subject headings have up to two commas themselves
_DESCRIPTION_SHORT = 50
_DENSE_SHORT = 20  # in scripts without spaces, or with a word in one sign
_KEYWORD_LONG = 100
_DENSE = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")


def _texts(resource: Resource, fits: Callable[[str], bool]) -> Iterator[Breach]:
    """The texts that a person reads and that fit, each with its path."""
    yield from ((f"title.{tag}", text) for tag, text in resource.title.items() if fits(text))
    yield from ((f"description.{tag}", text) for tag, text in resource.description.items() if fits(text))
    for number, keyword in enumerate(resource.keywords):
        if fits(keyword.text):
            yield f"keywords[{number}].text", keyword.text
    for number, person in enumerate(resource.contributors):
        if fits(person.name):
            yield f"contributors[{number}].name", person.name


def _missing(resource: Resource, _: Context) -> list[Breach]:
    return [] if any(text.strip() for text in resource.description.values()) else [("description", "")]


def _short(resource: Resource, _: Context) -> list[Breach]:
    """Judged by the longest: one good description is enough. A set phrase is description_boilerplate."""
    if not resource.description:
        return []
    tag, text = max(resource.description.items(), key=lambda one: len(one[1]))
    if len(text) >= _DESCRIPTION_SHORT or not text.strip() or _is_boilerplate(text):
        return []
    least = _DENSE_SHORT if _DENSE.search(text) else _DESCRIPTION_SHORT
    return [(f"description.{tag}", text)] if len(text) < least else []


def _boilerplate(resource: Resource, _: Context) -> list[Breach]:
    return [(f"description.{tag}", text) for tag, text in resource.description.items() if _is_boilerplate(text)]


def _is_boilerplate(text: str) -> bool:
    return len(text) < 45 and text.strip().casefold().rstrip(".:") in _BOILERPLATE


def _equals_title(resource: Resource, _: Context) -> list[Breach]:
    longest = 60 + 2 * max(map(len, resource.title.values()), default=0)
    near = [(tag, text) for tag, text in resource.description.items() if len(text) < longest]
    titles = {_plain(text) for text in resource.title.values()} if near else set()
    return [(f"description.{tag}", text) for tag, text in near if _plain(text) in titles]


def _plain(text: str) -> str:
    return text.casefold().strip(" .!?\"'«»")


def _html(resource: Resource, context: Context) -> list[Breach]:
    seen = list(_texts(resource, _is_marked_up))
    return seen + [(found.path, found.value) for found in context.findings if found.code == "html_remains"]


def _is_marked_up(text: str) -> bool:
    return ("<" in text or "&" in text) and _MARKUP.search(text) is not None


def mojibake(resource: Resource, _: Context) -> list[Breach]:
    return list(_texts(resource, _is_broken))


def _is_broken(text: str) -> bool:
    return not text.isascii() and _MOJIBAKE.search(text) is not None


def keywords_missing(resource: Resource, _: Context) -> list[Breach]:
    return [] if resource.keywords or resource.subjects else [("keywords", "")]


def keyword_list(resource: Resource, _: Context) -> list[Breach]:
    return [
        (f"keywords[{number}].text", keyword.text)
        for number, keyword in enumerate(resource.keywords)
        if len(keyword.text) > 12 and _LIST.search(keyword.text)
    ]


def keyword_long(resource: Resource, _: Context) -> list[Breach]:
    return [
        (f"keywords[{number}].text", keyword.text)
        for number, keyword in enumerate(resource.keywords)
        if len(keyword.text) > _KEYWORD_LONG
    ]


def finding(code: str, path: str, value: str) -> list[Finding]:
    return [Finding(code=code, path=path, value=value)]


_LONG_ENOUGH = "How green plants turn light into food, with two experiments for the classroom."

RULES = (
    Rule(
        code="description_missing", path="description", severity="warning", part="description", look=_missing,
        wrong="The record has no description.",
        why="Teachers choose by the description, and search finds little without it.",
        mend="Write two or three sentences: what it is, for whom, and what it is good for (LOM 1.4, dc:description).",
        good={"description": {"en": _LONG_ENOUGH}}, bad={"description": {}},
    ),
    Rule(
        code="description_short", path="description", severity="warning", part="description", look=_short,
        wrong="The description is too short to be useful (under 50 characters; 20 in scripts such as Thai or Chinese).",
        why="It does not help a teacher to decide.",
        mend="Write two or three sentences: what it is, for whom, and what it is good for.",
        good={"description": {"en": _LONG_ENOUGH}}, bad={"description": {"en": "A video."}},
    ),
    Rule(
        code="description_boilerplate", path="description", severity="warning", part="description", look=_boilerplate,
        wrong="The description is a set phrase that says nothing of the resource.",
        why="“Includes bibliography” is true of thousands of records and describes none.",
        mend="Replace it with a description of this resource.",
        good={"description": {"en": _LONG_ENOUGH}}, bad={"description": {"en": "Includes bibliography"}},
    ),
    Rule(
        code="description_equals_title", path="description", severity="warning", part="description", look=_equals_title,
        wrong="The description only repeats the title.",
        why="It adds nothing, and hides that the description is missing.",
        mend="Describe the resource, or leave the description out.",
        good={"description": {"en": _LONG_ENOUGH}},
        bad={"title": {"en": "Plants and light"}, "description": {"en": "Plants and light."}},
    ),
    Rule(
        code="html_remains", path="description", severity="warning", part="description", look=_html,
        wrong="There is HTML, or an HTML entity, in a text.",
        why="Readers see the code instead of the text.",
        mend="Export plain text, or valid HTML that is escaped once.",
        good={"description": {"en": _LONG_ENOUGH + " For pH < 7 & warm water."}},
        bad={"description": {"en": _LONG_ENOUGH + " <b>Free"}, "title": {"en": "Plants &amp; light"}},
    ),
    Rule(
        code="mojibake", path="description", severity="warning", part="description", look=mojibake,
        wrong="A text holds letters that were broken by a wrong character encoding.",
        why="It cannot be read, and search does not find it.",
        mend="Export as UTF-8, and repair the stored text (often it was saved as UTF-8 and read as Windows-1252).",
        good={"title": {"fr": "L’été à l’école"}}, bad={"title": {"fr": "L’Ã©tÃ© Ã\xa0 l’Ã©cole"}},
    ),
    Rule(
        code="mojibake_repaired", path="description", severity="info", part="description",
        look=reported("mojibake_repaired"),
        wrong="A text was broken by a wrong character encoding; we repaired it.",
        why="The repair is a guess, and other libraries see the broken text.",
        mend="Repair the text at the source.",
        good={"findings": []}, bad={"findings": finding("mojibake_repaired", "title.fr", "L'Ã©tÃ©")},
    ),
    Rule(
        code="text_shortened", path="description", severity="info", part="description", look=reported("text_shortened"),
        wrong="A text was too long for the library and was shortened.",
        why="A description of many pages is usually the resource itself, put into the wrong field.",
        mend="Keep the description under a page.",
        good={"findings": []}, bad={"findings": finding("text_shortened", "description.en", "1200345 characters")},
    ),
    Rule(
        code="keywords_missing", path="keywords", severity="info", part="subject", look=keywords_missing,
        wrong="The record has neither keywords nor subjects.",
        why="It appears in no subject list, and is found by its title only.",
        mend="Add a few keywords (LOM 1.5, dc:subject), or a subject of ISCED-F.",
        good={"keywords": [{"language": "en", "text": "botany"}]}, bad={"keywords": [], "subjects": []},
    ),
    Rule(
        code="keyword_list", path="keywords", severity="info", part="subject", look=keyword_list,
        wrong="Several keywords stand in one field.",
        why="The list is treated as one long keyword, which matches nothing.",
        mend="Repeat the field, one keyword in each.",
        good={"keywords": [{"language": "en", "text": "Guaíba, Lago, Bacia do"}]},
        bad={"keywords": [{"language": "en", "text": "photosynthesis, plants, light, food"}]},
    ),
    Rule(
        code="keyword_long", path="keywords", severity="info", part="subject", look=keyword_long,
        wrong="A keyword is longer than 100 characters.",
        why="It is a sentence, and matches nothing.",
        mend="Use keywords of one to three words; put sentences into the description.",
        good={"keywords": [{"language": "en", "text": "botany"}]},
        bad={"keywords": [{"language": "en", "text": "how green plants turn light into food " * 3}]},
    ),
)  # fmt: skip
