"""Several descriptions of one language as paragraphs of one text, within bounds and none of them twice."""

from __future__ import annotations

import re
from collections.abc import Iterable

from schemas import Leaf, Text
from transforms.normalize.record.assembly import Assembly
from transforms.normalize.text import plain

_LONGEST = 100_000  # characters of the description in one language
# A link that leads on from an excerpt: a sentence of its own at the end, with or without an arrow.
_TEASER = re.compile(
    r"(?:^|\n|(?<=[.!?…\]»”\"])\s)\s*[(\[]?(?:continue reading|keep reading|read (?:more|on|the (?:rest|full \w+))"
    r"|lire la suite|en savoir plus|leer más|seguir leyendo|leia mais|weiterlesen|читать далее"
    r"|اقرأ المزيد|อ่านต่อ)[^\w\n]*$",
    re.IGNORECASE,
)
_TEASER_LENGTH = 40  # characters at the end of a text that can be one


def without_teaser(description: str) -> str:
    """A description without the "Continue Reading »" that ends an excerpt on the web."""
    if description[-1:] == "." and description[-2:] != "..":
        return description
    found = _TEASER.search(description, max(0, len(description) - _TEASER_LENGTH))
    return description[: found.start()].rstrip() if found else description


def joined(work: Assembly, description: dict[str, str], further: Iterable[Text]) -> dict[str, str]:
    """The description with its further texts as paragraphs; what is too much is reported and left unmapped."""
    whole = dict(description)
    too_much = []
    for one in further:
        said = whole[one.language]
        if len(said) + len(one.text) > _LONGEST and not _holds(said, one.text):
            too_much.append(one)
        else:
            whole[one.language] = _both(said, one.text)
    if too_much:
        _leave(work, too_much)
    return whole


def _both(said: str, further: str) -> str:
    """Both texts as paragraphs; one alone where it holds the other, as a summary beside the whole."""
    if _holds(said, further):
        return said
    return further if _holds(further, said) else f"{said}\n\n{further}"


def _holds(whole: str, part: str) -> bool:
    """Whether a text holds another: word for word, or cut short with an ellipsis (WordPress's excerpt)."""
    if part in whole:
        return True
    words = " ".join(part.split())
    cut = words.removesuffix("]").rstrip().removesuffix("…").removesuffix("...")
    words = cut.rstrip(" [") if len(cut) + 1 < len(words) or words.endswith("…") else words
    return bool(words) and words in " ".join(whole.split())


def _leave(work: Assembly, too_much: list[Text]) -> None:
    places = {plain(said.value): said.path for said in work.draft.get("description")}
    for one in too_much:
        left = f"… left out, {len(one.text)} characters"
        work.unmapped.append(Leaf(path=places.get(one.text, "description"), value=left))
    for tag in dict.fromkeys(one.language for one in too_much):
        size = sum(len(one.text) for one in too_much if one.language == tag)
        work.find("text_shortened", f"description.{tag}", f"{size} characters left out")
