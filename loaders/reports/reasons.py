"""Why a run is held, and what a notification says, in the reader's language: from codes and figures."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from babel.core import Locale
from babel.numbers import format_decimal, format_percent

from loaders.store import decode_reasons
from schemas import Reason

_MESSAGES = Path(__file__).parent / "reason_messages"
Said = Reason | str  # a sentence in English, where a run was held before reasons had codes


@lru_cache
def reason_messages(language: str) -> dict[str, str]:
    """The words of the reasons and of the notification."""
    return dict(tomllib.loads((_MESSAGES / f"{language}.toml").read_text(encoding="utf-8")))


def reason_facts(text: str | None) -> list[dict[str, Any]]:
    """The reasons of a row of harvest_run for a report's JSON: code, figures, and the English sentence."""
    return [facts_of(one) for one in decode_reasons(text)]


def facts_of(reason: Said) -> dict[str, Any]:
    """A reason for a report's JSON."""
    if isinstance(reason, str):
        return {"code": None, "figures": {}, "text": reason}
    return {"code": reason.code, "figures": reason.figures, "text": sentence(reason)}


def sentences(reasons: Iterable[Said], language: str = "en") -> list[str]:
    """Each reason as one sentence with its figures and what to do."""
    return [sentence(one, language) for one in reasons]


def sentence(reason: Said, language: str = "en") -> str:
    """One reason in words; one that has no words in any language is shown as its code and figures."""
    if isinstance(reason, str):
        return reason
    said = reason_messages(language)
    if reason.code not in said:
        return " ".join([reason.code, *(f"{name} {value}" for name, value in reason.figures.items())])
    figures = {name: _figure(value, language) for name, value in reason.figures.items()}
    last = figures.pop("last", "")
    more = {"review": said["review"], "last": said["last"].format(share=last) if last else ""}
    if figures.get("often") == "":
        figures["often"] = said["unread"]
    return said[reason.code].format(**figures, **more)


def told(detail: Mapping[str, Any] | str, language: str) -> tuple[str, str]:
    """A reason of a report's JSON in words, and in which language they are."""
    if isinstance(detail, str):
        return detail, "en"
    if detail["code"] is None:
        return str(detail["text"]), "en"
    return sentence(Reason(code=detail["code"], figures=dict(detail["figures"])), language), language


def _figure(value: float | str, language: str) -> str:
    """A number as the language writes it; a share (a float) as per cent."""
    locale = Locale.parse(language)
    if isinstance(value, str):
        return value
    if isinstance(value, float):
        return str(format_percent(round(value, 3), locale=locale, decimal_quantization=False))
    return str(format_decimal(value, locale=locale))
