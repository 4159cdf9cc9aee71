"""The control with which a field is corrected: a list of codes, a language, a date, a licence or a text."""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec
from starlette.datastructures import FormData

from schemas import UNCORRECTABLE_FIELDS, Resource, read_vocabulary, replaced_value

_CODES = {"levels": "level", "contexts": "context", "audiences": "audience"}
_CODE = {"difficulty": "difficulty", "interactivity_type": "interactivity_type", "cost": "cost"}
_KINDS = {"issued": "date", "modified": "date", "url": "url"}
_CONDITIONS = ("by", "by-sa", "by-nd", "by-nc", "by-nc-sa", "by-nc-nd")
_LICENSES = (
    *(f"https://creativecommons.org/licenses/{conditions}/4.0/" for conditions in _CONDITIONS),
    "https://creativecommons.org/publicdomain/zero/1.0/",
    "https://creativecommons.org/publicdomain/mark/1.0/",
)
_TEXTS = ("title", "description")
_TAGS = ("en", "fr", "ru", "ar", "es")
_MAX_VALUE_CHARS = 20_000


class Control(NamedTuple):
    """A control of a form: its kind, its choices as (value, label), and what stands there now.

    kind: codes, code, languages, license, date, url, text or json
    """

    kind: str
    choices: list[tuple[str, str]]
    values: list[str]


def paths_of(record: Resource) -> list[str]:
    """Return the paths that can be corrected: the texts in each language, then the other fields."""
    texts = [f"{name}.{tag}" for name in _TEXTS for tag in dict.fromkeys([*getattr(record, name), *_TAGS])]
    fields = [name for name in record.__struct_fields__ if name not in UNCORRECTABLE_FIELDS and name not in _TEXTS]
    return [*texts, *("license.uri" if name == "license" else name for name in fields)]


def control_of(record: Resource, path: str) -> Control:
    """Return the control for a path of a record."""
    replaced = replaced_value(record, path)
    value = None if replaced is None else replaced[1]
    if path in _CODES:
        return Control("codes", _labels(_CODES[path]), [str(each) for each in value or ()])
    if path == "languages":
        return Control("languages", [], [", ".join(each["tag"] for each in value or ())])
    if isinstance(value, list | dict):
        return Control("json", [], [msgspec.json.format(msgspec.json.encode(value), indent=1).decode()])
    kind, choices = _kind_of(path)
    return Control(kind, choices, ["" if value is None else str(value)])


def _kind_of(path: str) -> tuple[str, list[tuple[str, str]]]:
    """Return the kind of control of a field that is one value, and its choices."""
    if path in _CODE:
        return "code", _labels(_CODE[path])
    if path == "license.uri":
        return "license", [(each, each) for each in _LICENSES]
    return _KINDS.get(path, "text"), []


def _labels(vocabulary: str) -> list[tuple[str, str]]:
    entries: dict[str, Any] = read_vocabulary(vocabulary)
    return [(code, str(entry["label"])) for code, entry in entries.items() if "label" in entry]


def value_in(form: FormData, path: str) -> str:
    """Return the value that a form gives a path: JSON where the field is no text."""
    values = [str(each).strip()[:_MAX_VALUE_CHARS] for each in form.getlist("value") if str(each).strip()]
    if path in _CODES:
        return msgspec.json.encode(values).decode()
    if path == "languages":
        tags = [tag.strip() for value in values for tag in value.split(",") if tag.strip()]
        return msgspec.json.encode([{"tag": tag, "origin": "declared", "confidence": 1.0} for tag in tags]).decode()
    return values[0] if values else "null"
