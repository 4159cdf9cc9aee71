"""The form by which a partner corrects a proposed declaration: what it shows, and what comes of what is entered.

Only the keys that the form shows are changed; every other key of the declaration stays as it was proposed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.datastructures import FormData

from pipeline.detection import Proposal, SeenField
from schemas import PROTOCOLS, BadFeed, Base, Mistake, Protocol, read_declaration
from web.forms import field
from web.languages import marked

MAX_SETS_SHOWN = 300
MAX_SETS_CHARS = 20_000
MAX_COLUMNS_SHOWN = 300
FIELD_NAMES = {  # our fields that a column may fill, in the order in which they are asked for
    "title": marked("Title"),
    "description": marked("Description"),
    "url": marked("Address of its page"),
    "identifiers": marked("Identifiers"),
    "languages": marked("Language"),
    "license": marked("Licence"),
    "contributors": marked("People"),
    "publishers": marked("Publisher"),
    "issued": marked("Date"),
    "modified": marked("Date of the last change"),
    "resource_types": marked("Kind of resource"),
    "subjects": marked("Subjects"),
    "keywords": marked("Keywords"),
    "levels": marked("Level of education"),
    "contexts": marked("Where it is used"),
    "audiences": marked("For whom"),
    "age_range": marked("Age"),
    "typical_learning_time": marked("Learning time"),
    "difficulty": marked("Difficulty"),
    "formats": marked("File format"),
    "alternative_titles": marked("Other titles"),
    "links": marked("Other addresses"),
    "coverage": marked("Places and times"),
    "competencies": marked("Competencies"),
    "interactivity_type": marked("Interactivity"),
    "cost": marked("Costs"),
    "relations": marked("Related works"),
}
_USUAL_FIELDS = tuple(FIELD_NAMES)[:14]
FORMAT_WORDS = {  # what a partner should know of a format, by crosswalk
    "oai_dc": marked("plain Dublin Core: dates, identifiers and people come without their kind; the others say more"),
    "qdc": marked("qualified Dublin Core: dates, identifiers and relations come with their kind"),
    "lom": marked("LOM, made for learning resources: it can say for whom, at which level, and how long"),
    "marcxml": marked("MARC, as library catalogues have it"),
    "mods": marked("a library record with roles, subjects and relations"),
    "oai_datacite": marked("made for research: identifiers, licences and people come with their kind"),
    "schema_org": marked("schema.org, as web pages describe learning resources"),
    "dim": marked("all of DSpace's own fields"),
    "edm": marked("Europeana's format"),
    "rss": marked("the newest entries only, with shortened texts"),
}
_SAME_WORDS = {
    "unimarc": "marcxml",
    "oai_marc": "marcxml",
    "mets": "mods",
    "oai_openaire": "oai_datacite",
    "datacite_json": "oai_datacite",
    "amb": "schema_org",
    "xoai": "dim",
    "dspace6": "dim",
    "dspace7": "dim",
    "atom": "rss",
    "instructables_rss": "rss",
    "imscp": "lom",
    "imscc": "lom",
}
LICENSES = (
    "CC0-1.0",
    "CC-BY-4.0",
    "CC-BY-SA-4.0",
    "CC-BY-NC-4.0",
    "CC-BY-NC-SA-4.0",
    "CC-BY-ND-4.0",
    "CC-BY-NC-ND-4.0",
)
METADATA_LICENSES = {  # of the descriptions, with what each means
    "CC0-1.0": marked("everybody may use the descriptions, without any condition"),
    "CC-BY-4.0": marked("who uses them names your institution"),
    "CC-BY-SA-4.0": marked("who uses them names your institution, and passes on what is made of them alike"),
    "CC-BY-NC-4.0": marked("who uses them names your institution, and earns no money with them"),
    "CC-BY-NC-SA-4.0": marked(
        "who uses them names your institution, earns no money with them, and passes on what is made of them alike"
    ),
    "CC-BY-ND-4.0": marked("who uses them names your institution, and passes them on only as the library gives them"),
    "CC-BY-NC-ND-4.0": marked(
        "who uses them names your institution, earns no money with them, "
        "and passes them on only as the library gives them"
    ),
}
PAGINGS = {
    "none": marked("the whole list at once"),
    "page": marked("by the number of the page"),
    "offset": marked("by the number of the first record"),
    "cursor": marked("by a mark that the response gives"),
    "link": marked("by the address of the next page that the response gives"),
}
_PAGING_TEXTS = ("page_param", "size_param", "cursor_path")


class MapRow(Base, frozen=True, kw_only=True):
    """One of our fields, and where it comes from; `is_fixed` where the form cannot show how."""

    key: str
    path: str = ""
    split: str = ""
    is_fixed: bool = False

    @property
    def is_shown(self) -> bool:
        """Whether it is shown at once: it is mapped, or one of the fields that most partners have."""
        return bool(self.path) or self.is_fixed or self.key in _USUAL_FIELDS


def mistakes_of(declaration: Mapping[str, Any]) -> list[Mistake]:
    """Return what is wrong with a declaration, one mistake per key; empty when nothing is."""
    try:
        read_declaration("feed", declaration)
    except BadFeed as error:
        return error.reasons
    return []


def traits_of(declaration: Mapping[str, Any]) -> Protocol | None:
    """Return what the declaration's protocol can do; None before one is known."""
    return PROTOCOLS.get(str(declaration.get("protocol")))


def words_of_format(crosswalk: str) -> str:
    """Return what a partner should know of a format; empty where there is nothing to tell."""
    return FORMAT_WORDS.get(_SAME_WORDS.get(crosswalk, crosswalk), "")


def map_rows(declaration: Mapping[str, Any]) -> list[MapRow]:
    """Return a row for each of our fields, and for each that the declaration maps with a hint, such as a role."""
    mapped: Mapping[str, Any] = declaration.get("map") or {}
    others = [key for key in mapped if key not in FIELD_NAMES]
    return [_map_row(key, mapped.get(key)) for key in [*FIELD_NAMES, *others]]


def _map_row(key: str, entry: Any) -> MapRow:
    if entry is None or isinstance(entry, str):
        return MapRow(key=key, path=entry or "")
    if isinstance(entry, dict) and set(entry) <= {"path", "split"} and entry.get("path"):
        return MapRow(key=key, path=entry["path"], split=entry.get("split") or "")
    return MapRow(key=key, is_fixed=True)


def columns_of(declaration: Mapping[str, Any], proposal: Proposal | None) -> list[SeenField]:
    """Return the columns to choose from: those seen, and those that the declaration names already."""
    seen = {each.path: each for each in (proposal.fields if proposal else ())[:MAX_COLUMNS_SHOWN]}
    named = [row.path for row in map_rows(declaration) if row.path]
    named += [path for path in _list(declaration.get("identifier")) if path]
    return [*seen.values(), *(SeenField(path=path) for path in dict.fromkeys(named) if path not in seen)]


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value] if value else []


def changed_declaration(before: Mapping[str, Any], form: FormData, proposal: Proposal | None) -> dict[str, Any]:
    """Return the declaration with what the form's fields say; an emptied field takes its key away."""
    keys = dict(before)
    traits = traits_of(before)
    for name in ("title", "default_language", "default_license", "address"):
        if name in form:
            _set(keys, name, field(form, name))
    if traits is None:
        return keys
    if traits.has_prefixes and proposal is not None and proposal.formats:
        _choose_format(keys, field(form, "format"), proposal)
    if traits.has_sets:
        _choose_sets(keys, form)
    if traits.needs_identifier:
        _set(keys, "identifier", [name for name in map(str, form.getlist("identifier")) if name.strip()])
    if keys.get("map"):
        keys["map"] = _changed_map(keys["map"], form)
    if traits.has_declared_paging:
        _set(keys, "request", _changed_paging(keys.get("request") or {}, form))
    return keys


def _set(keys: dict[str, Any], name: str, value: Any) -> None:
    if value in ("", [], {}, None):
        keys.pop(name, None)
    else:
        keys[name] = value


def _choose_format(keys: dict[str, Any], code: str, proposal: Proposal) -> None:
    offered = next((each for each in proposal.formats if each.code == code and each.crosswalk), None)
    if offered is not None:
        keys["format"] = offered.crosswalk
        _set(keys, "prefix", None if offered.code == offered.crosswalk else offered.code)


def _choose_sets(keys: dict[str, Any], form: FormData) -> None:
    ticked = [name for name in map(str, form.getlist("set")) if name.strip()]
    written = field(form, "sets", MAX_SETS_CHARS).split()
    _set(keys, "sets", list(dict.fromkeys([*ticked, *written])))


def _changed_map(before: Mapping[str, Any], form: FormData) -> dict[str, Any]:
    mapped = {}
    for row in map_rows({"map": before}):
        if row.is_fixed:
            mapped[row.key] = before[row.key]
        elif path := field(form, f"map:{row.key}"):
            separator = form.get(f"split:{row.key}", "")
            split = separator[:10] if isinstance(separator, str) else ""
            mapped[row.key] = {"path": path, "split": split} if split.strip() else path
    return mapped


def _changed_paging(before: Mapping[str, Any], form: FormData) -> dict[str, Any]:
    request = dict(before)
    if "paging" not in form:
        return request
    _set(request, "paging", field(form, "paging"))
    for name in _PAGING_TEXTS:
        _set(request, name, field(form, name))
    for name in ("size", "first"):
        text = field(form, name, 12)
        _set(request, name, int(text) if text.isdecimal() and text.isascii() else text)
    return request
