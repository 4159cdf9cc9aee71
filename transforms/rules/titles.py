"""Rules about the title."""

from __future__ import annotations

import re

from schemas import Resource
from transforms.rules.rule import PLACEHOLDER_WORDS, Context, Rule, Violation

_PLACEHOLDERS = PLACEHOLDER_WORDS["title"]
_REVERSED_NUMBER = re.compile(r"[\s).]*+\d*+[\s_\-#.(]*+")  # of a title read from its end
_FILE_NAME = re.compile(
    r"\S*[^\s.]\.(?:pdf|docx?|pptx?|xlsx?|odt|odp|rtf|txt|html?|xml|zip|rar|epub|mp[34]|avi|mov|jpe?g|png|gif|svg)",
    re.IGNORECASE,
)
_ADDRESS = re.compile(r"(?:https?://|www\.)\S+", re.IGNORECASE)
_MAX_PLACEHOLDER_CHARS = 40  # of any placeholder with its number
_MIN_UNCASED_CHARS, _MIN_CASED_CHARS, _MAX_TITLE_CHARS = 2, 3, 250
_MIN_SHOUTING_CHARS = 16


def _is_placeholder(text: str) -> bool:
    """Whether a title only fills the field: "test", "untitled 2", nothing but punctuation."""
    if len(text) > _MAX_PLACEHOLDER_CHARS:
        return False
    name = text.strip().casefold()
    ending = _REVERSED_NUMBER.match(name[::-1])
    plain = name[: len(name) - (ending.end() if ending else 0)].strip(" .-_!?\"'«»")
    return plain in _PLACEHOLDERS or not any(letter.isalnum() for letter in text)


def _is_file_name(text: str) -> bool:
    return "." in text and _FILE_NAME.fullmatch(text.strip()) is not None


def _missing(resource: Resource, _: Context) -> list[Violation]:
    return [] if any(text.strip() for text in resource.title.values()) else [("title", "")]


def _placeholder(resource: Resource, _: Context) -> list[Violation]:
    """Find placeholders, where no language has a real title."""
    texts = resource.title
    violations = [(f"title.{tag}", text) for tag, text in texts.items() if text.strip() and _is_placeholder(text)]
    return violations if len(violations) == len(texts) else []


def _placeholder_beside(resource: Resource, _: Context) -> list[Violation]:
    texts = resource.title
    if len(texts) < 2:
        return []
    violations = [(f"title.{tag}", text) for tag, text in texts.items() if _is_placeholder(text) or _is_file_name(text)]
    return violations if len(violations) < len(texts) else []


def _file_name(resource: Resource, _: Context) -> list[Violation]:
    texts = resource.title
    violations = [(f"title.{tag}", text) for tag, text in texts.items() if _is_file_name(text)]
    return violations if len(violations) == len(texts) else []


def _address(resource: Resource, _: Context) -> list[Violation]:
    return [(f"title.{tag}", text) for tag, text in resource.title.items() if _ADDRESS.fullmatch(text.strip())]


def _short(resource: Resource, _: Context) -> list[Violation]:
    return [(f"title.{tag}", text) for tag, text in resource.title.items() if len(text) < 4 and _is_short(text)]


def _is_short(text: str) -> bool:
    cased = text.upper() != text.lower()
    return 0 < len(text.strip()) < (_MIN_CASED_CHARS if cased else _MIN_UNCASED_CHARS)


def _long(resource: Resource, _: Context) -> list[Violation]:
    return [(f"title.{tag}", text) for tag, text in resource.title.items() if len(text) > _MAX_TITLE_CHARS]


def _shouting(resource: Resource, _: Context) -> list[Violation]:
    return [
        (f"title.{tag}", text)
        for tag, text in resource.title.items()
        if text.isupper() and len(text) >= _MIN_SHOUTING_CHARS and " " in text
    ]


def _untagged(resource: Resource, context: Context) -> list[Violation]:
    """Find a title without a language that normalization has not reported as language_undetermined."""
    if "und" not in resource.title or any(
        finding.code == "language_undetermined" and finding.path.startswith("title") for finding in context.findings
    ):
        return []
    return [("title.und", resource.title["und"])]


def _copied(resource: Resource, _: Context) -> list[Violation]:
    texts = resource.title
    if len(texts) < 2 or len(set(texts.values())) == len(texts):
        return []
    tags = list(texts)
    return [
        (f"title.{tag}", texts[tag])
        for number, tag in enumerate(tags)
        if texts[tag] in [texts[before] for before in tags[:number]]
    ]


RULES = (
    Rule(
        code="title_missing", path="title", severity="error", part="title", find=_missing,
        wrong="The record has no title.",
        why="Nobody can find or recognise a resource without a title.",
        mend="Fill the title (LOM 1.2, dc:title) in the language of the resource.",
        good={"title": {"en": "Plants and light"}}, bad={"title": {}},
    ),
    Rule(
        code="title_placeholder", path="title", severity="error", part="title", find=_placeholder,
        wrong="The title is a placeholder such as “test” or “untitled”.",
        why="It is a trial record, or one that was never finished.",
        mend="Give the resource its real title, or delete the trial record.",
        good={"title": {"en": "Test your knowledge of fractions"}}, bad={"title": {"en": "Untitled 2"}},
    ),
    Rule(
        code="title_is_file_name", path="title", severity="error", part="title", find=_file_name,
        wrong="The title is a file name and nothing else.",
        why="A file name tells a teacher nothing, and search does not find the resource by it.",
        mend="Replace the file name with the title on the first page.",
        good={"title": {"en": "Notes on lesson.pdf files"}}, bad={"title": {"en": "lesson_03-final.pdf"}},
    ),
    Rule(
        code="title_placeholder_beside", path="title", severity="warning", part="title", find=_placeholder_beside,
        wrong="One of the titles is a placeholder or a file name; another language has a real one.",
        why="Readers of that language see the placeholder.",
        mend="Translate the title, or leave that language out.",
        good={"title": {"en": "Plants and light", "fr": "Les plantes et la lumière"}},
        bad={"title": {"en": "Plants and light", "fr": "Sans titre"}},
    ),
    Rule(
        code="title_is_address", path="title", severity="warning", part="title", find=_address,
        wrong="The title is a web address.",
        why="A reader cannot tell from it what the resource is about.",
        mend="Put the address into the location field and a title into the title field.",
        good={"title": {"en": "The site https://example.org explained"}}, bad={"title": {"en": "https://example.org/a"}},
    ),
    Rule(
        code="title_short", path="title", severity="warning", part="title", find=_short,
        wrong="The title has only one or two letters.",
        why="It says too little to be chosen from a list of results.",
        mend="Write the title out.",
        good={"title": {"en": "Air"}}, bad={"title": {"en": "Q2"}},
    ),
    Rule(
        code="title_long", path="title", severity="info", part="title", find=_long,
        wrong="The title is longer than 250 characters.",
        why="It is probably a description, and it is cut off in lists.",
        mend="Keep the title short; move the rest to the description.",
        good={"title": {"en": "Plants and light"}}, bad={"title": {"en": "Plants and light, " * 20}},
    ),
    Rule(
        code="title_shouting", path="title", severity="info", part="title", find=_shouting,
        wrong="The title is written in capitals only.",
        why="Capitals are harder to read, and screen readers may spell them letter by letter.",
        mend="Write the title as a sentence.",
        good={"title": {"en": "NASA for schools"}}, bad={"title": {"en": "PLANTS AND THEIR LIGHT"}},
    ),
    Rule(
        code="title_untagged", path="title", severity="info", part="language", find=_untagged,
        wrong="The language of a title is not known.",
        why="It cannot be shown to readers of that language, nor read out in the right voice.",
        mend="Mark the language of each title (xml:lang, or the language attribute).",
        good={"title": {"en": "Plants and light"}}, bad={"title": {"und": "Plants and light"}},
    ),
    Rule(
        code="title_copied", path="title", severity="warning", part="title", find=_copied,
        wrong="The same title is given in two languages.",
        why="One of the two is not a translation: readers expect a language that the resource does not have.",
        mend="Translate the title, or leave the copy out.",
        good={"title": {"en": "Plants and light", "fr": "Les plantes et la lumière"}},
        bad={"title": {"en": "Plants and light", "fr": "Plants and light"}},
    ),
)  # fmt: skip
