"""How a page is made: Jinja2 with autoescape, messages in the reader's language, and whole files only."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import msgspec
from babel.core import Locale
from babel.dates import format_date, format_datetime, format_skeleton, format_time
from babel.numbers import format_decimal, format_percent
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from loaders.reports.evidence import evidence_in
from loaders.reports.reasons import told
from loaders.store import whole_file

HERE = Path(__file__).parent
_ADDRESS = re.compile(r"https?://[^\s،؛]*[^\s،؛.]|https?://")  # isolated in Arabic, or its slashes change sides
# Controls but tab and ends of lines, halves of pairs, and code points that will never be characters; those that two
# bytes do not hold apart, because a set with them is searched twelve times as slowly.
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")
_NEVER = tuple(chr(plane + last) for plane in range(0x10000, 0x110000, 0x10000) for last in (0xFFFE, 0xFFFF))
_SIGNS = {chr(code): chr(0x2400 + code) for code in range(0x20)} | {"\x7f": "␡"}  # ␁ and the like
Rules = Mapping[str, Mapping[str, str]]  # texts of transforms.rules.rule_texts(), by code
LANGUAGES = ("en", "fr", "ru", "ar")
SEVERITIES = ("error", "warning", "info")  # of findings, the worst first
# What a steward runs for each thing that needs a person.
COMMANDS = {
    "held": "python -m loaders.review show {run}",
    "failed": "",
    "mistake": "{feed}.toml",
    "missing": "{feed}.toml",
    "moved": "ELIB_FEEDS",
    "quarantined": "python -m loaders.review quarantined --feed {feed}",
    "rejected": "reports/feeds/{feed}.fix.csv",
    "pairs": "reports/duplicates.html",
    "clusters": "python -m loaders.review pairs",
    "terms": "schemas/vocabularies/",
    "corrections": "python -m loaders.review curations",
}


class NoSuchLanguage(ValueError):
    """A language for which there are no messages."""


@lru_cache
def messages(language: str) -> dict[str, str]:
    """Every message in one language. Raises NoSuchLanguage naming those there are."""
    path = HERE / "messages" / f"{language}.toml"
    if not path.exists():
        raise NoSuchLanguage(f"no report in {language!r}; there are {', '.join(LANGUAGES)}")
    return dict(tomllib.loads(path.read_text(encoding="utf-8")))


@lru_cache
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def render(template: str, language: str, files: Mapping[str, str], folder: Path, rules: Rules, **facts: Any) -> str:
    """One page in one language. `files` name the same page in each language in which it is written."""
    said, locale = messages(language), Locale.parse(language)
    return _printable(
        _environment()
        .get_template(template)
        .render(
            t=lambda key, **values: said[key].format(**values),
            language=language,
            direction=_direction(language),
            languages=[(other, Locale.parse(other).get_language_name(), name) for other, name in files.items()],
            reason=lambda one: told(one, language),
            evidence=lambda seen: evidence_in(seen, language),
            exists=lambda name: (folder / name).exists(),
            rule=lambda code, what: rule_text(rules, code, what, language),
            number=lambda value: format_decimal(value, locale=locale),
            percent=lambda value: format_percent(round(value, 3), locale=locale, decimal_quantization=False),
            day=lambda text: format_date(moment(text), format="medium", locale=locale),
            short_day=lambda text: format_skeleton("MMMd", moment(text), locale=locale),
            clock=lambda text: format_time(moment(text), format="short", locale=locale),
            time=lambda text: format_datetime(moment(text), format="medium", locale=locale) + " UTC",
            **facts,
        )
    )


def rule_text(rules: Rules, code: str, what: str, language: str) -> tuple[str, str]:
    """What is said about a rule (wrong, mend) and in which language: the reader's, or English where there is none."""
    said = rules.get(code, {})
    own = said.get(f"{what}.{language}")
    if not own:
        return said.get(what, ""), "en"
    return (_ADDRESS.sub("\u2066\\g<0>\u2069", own) if _direction(language) == "rtl" else own), language


def render_list(**facts: Any) -> str:
    """One page of a complete list, what stands around the rows in every language."""

    def words(key: str) -> list[tuple[str, str, str]]:
        return [(one, _direction(one), messages(one)[key]) for one in LANGUAGES]

    return _printable(_environment().get_template("list.html").render(words=words, **facts))


def _printable(page: str) -> str:
    """The page with a sign for each character that HTML forbids: partners' values hold such.

    https://html.spec.whatwg.org/multipage/parsing.html#parse-error-control-character-in-input-stream
    """
    shown = _FORBIDDEN.sub(lambda found: _SIGNS.get(found[0], "\ufffd"), page)
    for one in _NEVER:  # at once where the page has no character above two bytes
        shown = shown.replace(one, "\ufffd")
    return shown


def _direction(language: str) -> str:
    return "rtl" if Locale.parse(language).character_order == "right-to-left" else "ltr"


def this_moment() -> str:
    """Now, as the reports write it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def write_pages(
    folder: Path,
    stem: str,
    template: str,
    facts: Mapping[str, Any],
    languages: Sequence[str] = LANGUAGES,
    rules: Rules | None = None,
) -> list[Path]:
    """The JSON of some facts, and a page of them in each language, each replaced as a whole; the first page is plain.

    The files are <stem>.json, <stem>.html in the first language, and <stem>.<language>.html in the others.
    """
    folder.mkdir(parents=True, exist_ok=True)

    files = {one: f"{stem}{suffix(one, languages)}.html" for one in languages}
    more: dict[str, Any] = {"stem": stem, "commands": COMMANDS, "rules": rules or {}, "folder": folder}
    pages = [
        (name, render(template, one, files, page_suffix=suffix(one, languages), **more, **facts))
        for one, name in files.items()
    ]
    data = msgspec.json.format(msgspec.json.encode(facts, order="sorted"), indent=2).decode()
    return write_texts(folder, [*pages, (f"{stem}.json", data + "\n")])


def suffix(language: str, languages: Sequence[str]) -> str:
    """What a page's name ends in: nothing for the first language."""
    return "" if language == languages[0] else f".{language}"


def write_texts(folder: Path, texts: Iterable[tuple[str, str]]) -> list[Path]:
    """Write each text to a file that is replaced when it is whole."""
    paths = []
    for name, text in texts:
        path = folder / name
        with whole_file(path) as beside:
            beside.write_text(text, encoding="utf-8")
        paths.append(path)
    return paths
