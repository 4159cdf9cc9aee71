"""The texts of reports, previews and notifications, in the reader's language."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from babel.core import Locale
from babel.numbers import format_decimal, format_percent

from loaders.shell import elib_command
from loaders.store import decode_reasons
from schemas import Reason, read_toml

LANGUAGES = ("en", "fr", "ru", "ar")
_FOLDER = Path(__file__).parent


class NoSuchLanguage(ValueError):
    """There are no messages in this language."""


def messages(language: str) -> dict[str, str]:
    """Return the messages of the reports in one language. Raises NoSuchLanguage naming the languages there are."""
    if language not in LANGUAGES:
        raise NoSuchLanguage(f"no report in {language!r}; there are {', '.join(LANGUAGES)}")
    return _read("messages", language)


def reason_messages(language: str) -> dict[str, str]:
    """Return the messages of the reasons why a run is held, and of the notification, with commands that work here."""
    program = elib_command()
    return {key: text.replace("{elib}", program) for key, text in _read("reason_messages", language).items()}


def preview_messages(language: str) -> dict[str, str]:
    """Return the messages that only the preview of a feed uses."""
    return _read("preview_messages", language)


def fix_mail_messages(language: str) -> dict[str, str]:
    """Return the messages of the weekly mail to partners."""
    return _read("fix_mail_messages", language)


@lru_cache
def _read(folder: str, language: str) -> dict[str, str]:
    return dict(read_toml(_FOLDER / folder / f"{language}.toml"))


def evidence_in(seen: str, language: str) -> tuple[str, str, str]:
    """Split what a comparison saw into its label, the values of both records, and the label's language.

    The label is in the reader's language where it has a translation there; otherwise all of it stays in English. A
    label may introduce another one: "titles in one cluster would differ: one word differs: lakes / seas".
    """
    label, values = _evidence_label(seen, language)
    if label is None:
        return seen, "", "en"
    inner, rest = _evidence_label(values, language)
    return (label, values, language) if inner is None else (f"{label}: {inner}", rest, language)


def _evidence_label(seen: str, language: str) -> tuple[str | None, str]:
    """Return the translation of the label that a text begins with, None without one, and what follows the label."""
    if language != "en":
        for label, translated in _evidence_labels(language):
            if seen == label or seen.startswith(f"{label}: "):
                return translated, seen[len(label) + 2 :]
    return None, seen


@lru_cache
def _evidence_labels(language: str) -> list[tuple[str, str]]:
    """Return the English labels with their translations, the longest first: a label may begin like another."""
    labels = _read("evidence_messages", language)
    return sorted(labels.items(), key=lambda pair: len(pair[0]), reverse=True)


def reason_facts(text: str | None) -> list[dict[str, Any]]:
    """Return the reasons of a row of harvest_run for a report's JSON: code, figures, and the English sentence."""
    return [reason_fact(reason) for reason in decode_reasons(text)]


def reason_fact(reason: Reason | str) -> dict[str, Any]:
    """Return one reason for a report's JSON; old runs were held with an English sentence instead of a code."""
    if isinstance(reason, str):
        return {"code": None, "figures": {}, "text": reason}
    return {"code": reason.code, "figures": reason.figures, "text": reason_sentence(reason)}


def reason_sentence(reason: Reason | str, language: str = "en", *, decide: str | None = None) -> str:
    """Return a reason as one sentence with its figures and what to do; an unknown code is shown with its figures.

    `decide` replaces its last words, which say how to release or refuse a run in general.
    """
    if isinstance(reason, str):
        return reason
    texts = reason_messages(language)
    if reason.code not in texts:
        return " ".join([reason.code, *(f"{name} {value}" for name, value in reason.figures.items())])
    figures = {name: _figure(value, language) for name, value in reason.figures.items()}
    last = figures.pop("last", "")
    if figures.get("often") == "":
        figures["often"] = texts["unread"]
    return texts[reason.code].format(
        **figures, review=decide or texts["review"], last=texts["last"].format(share=last) if last else ""
    )


def reason_in(fact: Mapping[str, Any] | str, language: str) -> tuple[str, str]:
    """Return a reason of a report's JSON as a sentence, and the sentence's language."""
    if isinstance(fact, str):
        return fact, "en"
    if fact["code"] is None:
        return str(fact["text"]), "en"
    return reason_sentence(Reason(code=fact["code"], figures=dict(fact["figures"])), language), language


def _figure(value: float | str, language: str) -> str:
    """Format a number as the language writes it; a float is a share, shown in per cent."""
    locale = Locale.parse(language)
    if isinstance(value, str):
        return value
    if isinstance(value, float):
        return str(format_percent(round(value, 3), locale=locale, decimal_quantization=False))
    return str(format_decimal(value, locale=locale))
