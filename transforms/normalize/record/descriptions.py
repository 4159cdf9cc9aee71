"""Join the descriptions of one language as paragraphs of one text, within bounds and none of them twice."""

from __future__ import annotations

import re
from collections.abc import Iterable

from schemas import Leaf, Text
from transforms.normalize.record.assembly import Assembly
from transforms.normalize.text import plain_text

_MAX_DESCRIPTION_CHARS = 100_000  # in one language
# A link that leads on from an excerpt: a sentence of its own at the end, with or without an arrow.
_TEASER = re.compile(
    r"(?:^|\n|(?<=[.!?…\]»”\"])\s)\s*[(\[]?(?:continue reading|keep reading|read (?:more|on|the (?:rest|full \w+))"
    r"|lire la suite|en savoir plus|leer más|seguir leyendo|leia mais|weiterlesen|читать далее"
    r"|اقرأ المزيد|อ่านต่อ)[^\w\n]*$",
    re.IGNORECASE,
)
_MAX_TEASER_CHARS = 40


def without_teaser(description: str) -> str:
    """Return a description without the "Continue Reading »" that ends an excerpt on the web."""
    if description[-1:] == "." and description[-2:] != "..":
        return description
    teaser = _TEASER.search(description, max(0, len(description) - _MAX_TEASER_CHARS))
    return description[: teaser.start()].rstrip() if teaser else description


def join_descriptions(assembly: Assembly, description: dict[str, str], further: Iterable[Text]) -> dict[str, str]:
    """Return the description with its further texts as paragraphs; what is too long is reported and left unmapped."""
    joined = dict(description)
    left_out = []
    for text in further:
        first = joined[text.language]
        if _contains(first, text.text):
            continue
        if len(first) + len(text.text) > _MAX_DESCRIPTION_CHARS:
            left_out.append(text)
        else:  # a summary beside the whole text says nothing more
            joined[text.language] = text.text if _contains(text.text, first) else f"{first}\n\n{text.text}"
    if left_out:
        _report(assembly, left_out)
    return joined


def _contains(whole: str, part: str) -> bool:
    """Whether a text contains another: word for word, or cut short with an ellipsis (WordPress's excerpt)."""
    if part in whole:
        return True
    words = " ".join(part.split())
    cut = words.removesuffix("]").rstrip().removesuffix("…").removesuffix("...")
    words = cut.rstrip(" [") if len(cut) + 1 < len(words) or words.endswith("…") else words
    return bool(words) and words in " ".join(whole.split())


def _report(assembly: Assembly, left_out: list[Text]) -> None:
    paths = {plain_text(statement.value): statement.path for statement in assembly.draft.get("description")}
    for text in left_out:
        note = f"… left out, {len(text.text)} characters"
        assembly.unmapped.append(Leaf(path=paths.get(text.text, "description"), value=note))
    for tag in dict.fromkeys(text.language for text in left_out):
        size = sum(len(text.text) for text in left_out if text.language == tag)
        assembly.add_finding("text_shortened", f"description.{tag}", f"{size} characters left out")
