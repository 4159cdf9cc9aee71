"""Sentences that a page shows in the reader's language: an English text that is translated there, with its values."""

from __future__ import annotations

from schemas.base import Base

SentenceValue = str | int | float


class Sentence(Base, frozen=True, kw_only=True):
    """A text of the translation catalogs, with %(name)s where a value belongs, and the values by name.

    A template shows it as `{{ _(sentence.text, **sentence.values) }}`, which escapes the values; code as
    `gettext_of(request, sentence.text, **sentence.values)`. `str()` is the English sentence.
    """

    text: str
    values: dict[str, SentenceValue] = {}

    def __str__(self) -> str:
        return self.text % self.values if self.values else self.text


def sentence(text: str, **values: SentenceValue) -> Sentence:
    """Return a sentence; `docs.generate.translations` finds the text in the call, which must write it out."""
    return Sentence(text=text, values=values)


class Mistake(str):
    """What is wrong with a key of a declaration, as English text that also knows its parts: the key and the sentence.

    It is a text for the command line and for reports; a page shows `key` and, in the reader's language, `sentence`.
    """

    key: str
    sentence: Sentence

    def __new__(cls, key: str, what: Sentence) -> Mistake:
        """Return a mistake; the text is `key: what`."""
        made = super().__new__(cls, f"{key}: {what}" if key else str(what))
        made.key, made.sentence = key, what
        return made
