"""Make the pages of the reports: Jinja2 with autoescape, texts in the reader's language, files replaced as a whole."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import msgspec
from babel.core import Locale
from babel.dates import format_date, format_datetime, format_skeleton, format_time
from babel.numbers import format_decimal, format_percent
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from loaders.reports.texts import LANGUAGES, evidence_in, messages, preview_messages, reason_in
from loaders.shell import elib_command
from loaders.store import whole_files

_TEMPLATES = Path(__file__).parent / "templates"
STYLE = _TEMPLATES / "style.css"  # of the reports, and of the web
_URL = re.compile(r"https?://[^\s،؛]*[^\s،؛.]|https?://")  # isolated in Arabic, or its slashes change sides
# Characters that HTML forbids: controls other than tab and line ends, surrogates, and code points that will never be
# characters. Those above U+FFFF are a tuple of their own, because a set with them is searched twelve times as slowly.
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")
_FORBIDDEN_ABOVE_FFFF = tuple(
    chr(plane + last) for plane in range(0x10000, 0x110000, 0x10000) for last in (0xFFFE, 0xFFFF)
)
_CONTROL_PICTURES = {chr(code): chr(0x2400 + code) for code in range(0x20)} | {"\x7f": "␡"}  # ␁ and the like
Rules = Mapping[str, Mapping[str, str]]  # texts of transforms.rules.rule_texts(), by code
SEVERITIES = ("error", "warning", "info")  # of findings, the worst first
# What a steward runs, or which file to look at, for each thing that needs attention.
_COMMANDS = {
    "held": "{elib} review show {run}",
    "failed": "",
    "mistake": "{feed}.toml",
    "missing": "{feed}.toml",
    "moved": "ELIB_FEEDS",
    "shadowed": "{feed}.toml",
    "quarantined": "{elib} review quarantined --feed {feed}",
    "rejected": "reports/feeds/{feed}.fix.csv",
    "absent": "{elib} review absent --feed {feed}",
    "empty": "{feed}.toml",
    "unusual": "reports/feeds/{feed}.html",
    "pairs": "reports/duplicates.html",
    "clusters": "{elib} review pairs",
    "terms": "schemas/vocabularies/",
    "corrections": "{elib} review curations",
    "links": "{elib} links",
    "downloads": "{elib} downloads",
}


# Where the console shows the same things, when the web has an address.
_CONSOLE_PAGES = {
    "held": "/console/runs/{run}",
    "failed": "/console/runs/{run}",
    "mistake": "/console/feeds/{feed}",
    "missing": "/console/feeds/{feed}",
    "moved": "/console/feeds/{feed}",
    "shadowed": "/console/feeds/{feed}",
    "empty": "/console/feeds/{feed}",
    "unusual": "/console/feeds/{feed}",
    "absent": "/console/feeds/{feed}",
    "quarantined": "/console/quarantine?feed={feed}",
    "rejected": "/console/quarantine?feed={feed}&rule=unreadable",
    "pairs": "/console/pairs",
    "clusters": "/console/pairs",
    "terms": "/console/terms",
    "takedowns": "/console/reports?kind=takedown",
    "reader_reports": "/console/reports",
    "applications": "/console/applications",
    "corrections": "/console/decisions?kind=set",
    "links": "/console/runs/{run}",
    "downloads": "/console/runs/{run}",
    "feed": "/console/feeds/{feed}",
    "partner": "/partners/feeds/{feed}/fixes",
}


def web_page_for(web_url: str, what: str, feed: str | None = None, run: str | None = None) -> str:
    """Return the address of the web's page about a thing that a report shows; empty without ELIB_WEB_URL, or a page."""
    path = _CONSOLE_PAGES.get(what, "")
    is_known = path and ("{feed}" not in path or feed) and ("{run}" not in path or run)
    return f"{web_url.rstrip('/')}{path.format(feed=feed, run=run)}" if web_url and is_known else ""


def command_for(what: str, feed: str | None = None, run: str | None = None) -> str:
    """Return what a steward runs, or which file to look at, for a thing that needs attention; empty where nothing is.

    The command is one that works in the user's shell.
    """
    return _COMMANDS.get(what, "").format(elib=elib_command(), feed=feed, run=run)


@lru_cache
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def render(template: str, language: str, files: Mapping[str, str], folder: Path, rules: Rules, **facts: Any) -> str:
    """Render one page in one language; `files` names the same page in each language in which it is written."""
    texts, locale = messages(language), Locale.parse(language)
    return printable(
        _environment()
        .get_template(template)
        .render(
            t=lambda key, **values: texts[key].format(**values),
            p=preview_messages(language),
            language=language,
            direction=_direction(language),
            languages=[(other, Locale.parse(other).get_language_name(), file) for other, file in files.items()],
            reason=lambda fact: reason_in(fact, language),
            evidence=lambda seen: evidence_in(seen, language),
            exists=lambda name: (folder / name).exists(),
            rule=lambda code, part: rule_text(rules, code, part, language),
            number=lambda value: format_decimal(value, locale=locale),
            percent=lambda value: format_percent(round(value, 3), locale=locale, decimal_quantization=False),
            day=lambda text: format_date(parse_time(text), format="medium", locale=locale),
            short_day=lambda text: format_skeleton("MMMd", parse_time(text), locale=locale),
            clock=lambda text: format_time(parse_time(text), format="short", locale=locale),
            time=lambda text: format_datetime(parse_time(text), format="medium", locale=locale) + " UTC",
            **facts,
        )
    )


def rule_text(rules: Rules, code: str, part: str, language: str) -> tuple[str, str]:
    """Return a part of a rule's text (`wrong`, `mend`) and its language: the reader's, or English without one."""
    texts = rules.get(code, {})
    translated = texts.get(f"{part}.{language}")
    if not translated:
        return texts.get(part, ""), "en"
    if _direction(language) == "rtl":
        translated = _URL.sub("\u2066\\g<0>\u2069", translated)
    return translated, language


def list_rows_html(rows: Iterable[Sequence[str]]) -> Markup:
    """Render the rows of a complete list, which are the same in every language."""
    lines = [f"<tr>{''.join(map(_list_cell, row))}</tr>\n" for row in rows]
    return Markup("".join(lines))  # noqa: S704 (each cell is escaped)


@lru_cache(maxsize=10_000)
def _list_cell(text: str) -> str:
    return f'<td><bdi dir="auto" lang="">{escape(text)}</bdi></td>'


def render_list(language: str, **facts: Any) -> str:
    """Render one page of a complete list, with its headings in one language; `rows` is what list_rows_html returns."""
    texts = messages(language)
    return printable(
        _environment()
        .get_template("list.html")
        .render(
            t=lambda key, **values: texts[key].format(**values),
            language=language,
            direction=_direction(language),
            number_of=lambda value: format_decimal(value, locale=Locale.parse(language)),
            **facts,
        )
    )


def printable(page: str) -> str:
    """Replace the characters that HTML forbids by a visible sign; partners' values contain them.

    https://html.spec.whatwg.org/multipage/parsing.html#parse-error-control-character-in-input-stream
    """
    page = _FORBIDDEN.sub(lambda match: _CONTROL_PICTURES.get(match[0], "\ufffd"), page)
    for character in _FORBIDDEN_ABOVE_FFFF:  # returns at once for a page without characters above U+FFFF
        page = page.replace(character, "\ufffd")
    return page


def _direction(language: str) -> str:
    return "rtl" if Locale.parse(language).character_order == "right-to-left" else "ltr"


def current_time() -> str:
    """Return the time now, as the reports write it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def parse_time(text: str) -> datetime:
    """Parse a time of the catalog or of a report, or a date."""
    return datetime.fromisoformat(text)


def write_pages(
    folder: Path,
    stem: str,
    template: str,
    facts: Mapping[str, Any],
    languages: Sequence[str] = LANGUAGES,
    rules: Rules | None = None,
    web_url: str = "",
) -> list[Path]:
    """Write the facts as JSON and as a page in each language; return the paths, the first language's page first.

    `web_url` is the web's public address, of which the pages link to pages; empty where there is none.

    The files are <stem>.html in the first language, <stem>.<language>.html in the others, and <stem>.json.
    """
    folder.mkdir(parents=True, exist_ok=True)
    files = {language: f"{stem}{page_suffix(language, languages)}.html" for language in languages}
    pages = [
        (
            file,
            render(
                template,
                language,
                files,
                folder,
                rules or {},
                page_suffix=page_suffix(language, languages),
                stem=stem,
                command=command_for,
                web_page=partial(web_page_for, web_url),
                elib=elib_command(),
                **facts,
            ),
        )
        for language, file in files.items()
    ]
    text = msgspec.json.format(msgspec.json.encode(facts, order="sorted"), indent=2).decode()
    return write_texts(folder, [*pages, (f"{stem}.json", text + "\n")])


def page_suffix(language: str, languages: Sequence[str]) -> str:
    """Return what a page's name ends in: nothing for the first language, .<language> for the others."""
    return "" if language == languages[0] else f".{language}"


def write_texts(folder: Path, texts: Iterable[tuple[str, str]]) -> list[Path]:
    """Write each text to the file of its name, replaced as a whole when all are written, and return the paths."""
    paths = []
    with whole_files() as temporary_for:
        for name, text in texts:
            path = folder / name
            temporary_for(path).write_text(text, encoding="utf-8")
            paths.append(path)
    return paths
