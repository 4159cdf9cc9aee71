"""Bring the catalogs of the web's texts up to date with its templates and code: python -m docs.generate.translations.

The sentences of `pipeline` that pages show (`schemas.sentence`) are among them.

A translation is kept as long as its English text is; what is no longer said is dropped, and what is new is left empty
for translators. tests/web/test_translations.py checks that the catalogs are current and complete.
"""

from __future__ import annotations

import io
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

from schemas import ROOT
from web.languages import LANGUAGES

WEB = ROOT / "web"
_FOLDERS = (WEB, ROOT / "pipeline", ROOT / "loaders", ROOT / "schemas")
CATALOGS = {language: WEB / "translations" / f"{language}.po" for language in LANGUAGES if language != "en"}
_METHODS = [("**.py", "python"), ("**.html", "jinja2")]
_OPTIONS = {"**.html": {"extensions": "jinja2.ext.i18n", "trimmed": "true", "silent": "false"}}
# The functions whose arguments are texts, with the positions of these; the details of HTTPException are shown too.
_KEYWORDS: dict[str, tuple[int, ...] | None] = {
    "_": None,
    "gettext": None,
    "ngettext": (1, 2),
    "marked": None,
    "gettext_of": (2,),
    "HTTPException": (2,),
    "sentence": (1,),
}


class _Catalog(Catalog):
    """A catalog whose header has neither dates nor names, so that it changes only with the texts."""

    @property
    def mime_headers(self) -> list[tuple[str, str]]:
        return [
            ("Content-Type", "text/plain; charset=utf-8"),
            ("Language", str(self.locale)),
            ("Plural-Forms", self.plural_forms),
        ]


def texts() -> Catalog:
    """Return the texts of the templates and the code, without translations."""
    catalog = Catalog()
    for folder in _FOLDERS:
        for _file, _line, message, _comments, _context in extract_from_dir(folder, _METHODS, _OPTIONS, _KEYWORDS):
            catalog.add(message)
    return catalog


def current(path: Path, language: str) -> str:
    """Return what a catalog's file holds when it is up to date: each text with the translation that it has by now."""
    with path.open("rb") as file:
        before = read_po(file, locale=language, abort_invalid=True)
    catalog = _Catalog(locale=language, fuzzy=False, header_comment="")
    for message in texts():
        if message.id:
            known = before.get(message.id)
            catalog.add(message.id, known.string if known and not known.fuzzy else None)
    written = io.BytesIO()
    write_po(written, catalog, width=0, no_location=True, sort_output=True, ignore_obsolete=True)
    return written.getvalue().decode().lstrip()


if __name__ == "__main__":
    for language, path in CATALOGS.items():
        path.write_text(current(path, language), encoding="utf-8")
