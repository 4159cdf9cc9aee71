"""Lay a steward's correction over a record; it is checked when it is made, and again at every publication."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import urlsplit

import msgspec

from schemas.base import Base
from schemas.resource import Origin, Resource
from schemas.vocabulary import read_vocabulary

LICENSE_PATH = "license.uri"  # the one part of a licence that can be corrected: the others follow from it
_PATH_STEP = re.compile(r"[^.\[\]]+|\[\d+\]")
_WRITTEN_BY_PIPELINE = "the pipeline writes this field, stewards do not"
UNCORRECTABLE_FIELDS = {  # field of the record: why no steward sets it
    "key": _WRITTEN_BY_PIPELINE,
    "provenance": _WRITTEN_BY_PIPELINE,
    "terms": _WRITTEN_BY_PIPELINE,
    "unmapped": _WRITTEN_BY_PIPELINE,
    "issued_year": "the year follows from the date; set issued",
}
_YEAR = re.compile(r"(?<![\dY-])\d{4}(?!\d)")  # the first year of an EDTF date; of an interval that is open, its end
_NO_LICENSE = {"uri": None, "spdx": None, "label": None, "statement": "", "origin": "record", "open": None}
_DURATION = re.compile(r"P(?!$)(\d+Y)?(\d+M)?(\d+W)?(\d+D)?(T(?=\d)(\d+H)?(\d+M)?(\d+S)?)?")  # ISO 8601, 5.5.2
_MEDIA_TYPE = re.compile(r"[a-z0-9][\w.+-]*/[\w.+-]+")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_WEB_ADDRESS = re.compile(r"https?://[^\s/?#@]+(?:[/?#]\S*)?", re.IGNORECASE)
_MAY_BE_EMPTY = ("statement", "source")  # what the partner wrote, which may be nothing
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{1,30}:[^\s<>\"]+")
_IDENTIFIERS = {
    "doi": re.compile(r"10\.\d{4,9}(?:\.\d{1,9}){0,5}/\S+"),
    "isbn": re.compile(r"(?:97[89])?\d{9}[\dX]"),
    "issn": re.compile(r"\d{4}-\d{3}[\dX]"),
    "uri": _URI,
}
_MAX_AGE_YEARS = 120
_ADVICE = "correct the value or undo it"


class Correction(Base, frozen=True, kw_only=True):
    """A steward's value for a field of a resource; it holds until it is undone."""

    id: int
    path: str  # of the shared record, such as title.en or levels
    value: str | None  # JSON; None empties the field
    by: str
    at: str


class CorrectionUnusable(Exception):
    """A correction that does not fit the record: which one, where and why. `why` is the reason alone."""

    def __init__(self, correction: Correction, why: str, *, advice: str = "") -> None:
        name = f"correction {correction.id} of {correction.path!r} by {correction.by}"
        super().__init__(f"{name}: {why}{'; ' if advice else ''}{advice}")
        self.why = why


def apply_correction(record: Resource, correction: Correction) -> Resource:
    """Return the record with a steward's value at a path such as title.en or identifiers[0].value.

    The length of a list stays. A language key that is missing is added (title.en beside a later title.fr), not refused;
    it replaces a text whose language is not known, because that is the text a steward sees without a language.
    issued_year follows a corrected date. A corrected licence address empties the other
    parts of the licence, which the caller fills in again from the address.
    Raises CorrectionUnusable when the record has no such path, or the field cannot have such a value.
    """
    steps = _PATH_STEP.findall(correction.path)
    if not steps or steps[0] not in Resource.__struct_fields__:
        raise CorrectionUnusable(correction, "no such field; name one of the shared record, such as title.en")
    field = steps[0]
    if field in UNCORRECTABLE_FIELDS:
        raise CorrectionUnusable(correction, UNCORRECTABLE_FIELDS[field])
    try:
        corrected = _with_value(record, correction, steps)
    except (msgspec.DecodeError, msgspec.ValidationError) as error:
        raise CorrectionUnusable(correction, str(error), advice=_ADVICE) from error
    except (LookupError, TypeError) as error:
        why = f"the record has nothing at that path; set {field} as a whole, in JSON, or undo it"
        raise CorrectionUnusable(correction, why) from error
    mistake = _mistake(corrected, field)
    if mistake is not None and mistake != _mistake(record, field):
        raise CorrectionUnusable(correction, mistake, advice=_ADVICE)
    origin = Origin(key=f"curation:{correction.id}", path=correction.path, rule=f"curation: {correction.by}")
    return msgspec.structs.replace(corrected, provenance={**corrected.provenance, field: (origin,)})


def decides_license(path: str) -> bool:
    """Return whether a correction at the path states the licence itself; what it is called decides nothing."""
    return path in ("license", LICENSE_PATH)


def _with_value(record: Resource, correction: Correction, steps: list[str]) -> Resource:
    tree = msgspec.to_builtins(record)
    value = None if correction.value is None else msgspec.json.decode(correction.value)
    if correction.path == LICENSE_PATH:
        if value is None:
            raise msgspec.ValidationError("a licence needs an address; set license to null to remove it")
        tree["license"] = {**_NO_LICENSE, "statement": record.license.statement if record.license else value}
    undetermined = _undetermined_text(record, steps) is not None and value is not None
    _set(tree, _steps_in(record, steps), value)
    if undetermined:
        tree[steps[0]] = _with_tag(tree[steps[0]], steps[1])
    corrected = _typed(tree)
    if steps[0] != "issued":
        return corrected
    year = _YEAR.search(corrected.issued or "")
    return msgspec.structs.replace(corrected, issued_year=None if year is None else int(year[0]))


def _typed(tree: Any) -> Resource:
    """Return the record of a tree. Raises msgspec.ValidationError for a name that would be lost."""
    record = msgspec.convert(tree, Resource)
    if (unknown := _unknown_name(tree, record)) is not None:
        raise msgspec.ValidationError(f"there is no part {unknown!r}")
    return record


def _unknown_name(tree: Any, typed: Any) -> str | None:
    """Return the first name in a tree that its typed form does not have and would lose; None where all are kept."""
    pairs = []
    if isinstance(typed, msgspec.Struct):
        typed = dict(zip(typed.__struct_encode_fields__, msgspec.structs.astuple(typed), strict=True))
    if isinstance(typed, dict):
        if lost := next((name for name in tree if name not in typed), None):
            return str(lost)
        pairs = [(inner, typed[name]) for name, inner in tree.items()]
    elif isinstance(typed, list | tuple):
        pairs = list(zip(tree, typed, strict=True))
    return next((name for pair in pairs if (name := _unknown_name(*pair)) is not None), None)


def _steps_in(record: Resource, steps: list[str]) -> list[str]:
    """Return the path in this record: a text in no known language is the only one, whatever its tag is read to be."""
    texts = getattr(record, steps[0])
    if steps[1:] != ["und"] or not isinstance(texts, dict) or not texts or "und" in texts:
        return steps
    if len(texts) > 1:
        raise msgspec.ValidationError(f"its texts are in {', '.join(texts)}; name the language, such as {steps[0]}.en")
    return [steps[0], *texts]


def replaced_value(record: Resource, path: str) -> tuple[str, Any] | None:
    """Return the path of what a correction at a path replaces in the record, and its value; None where nothing is."""
    steps = _PATH_STEP.findall(path)
    if (text := _undetermined_text(record, steps)) is not None:
        return f"{steps[0]}.und", text
    try:
        value = msgspec.to_builtins(record)
        for step in _steps_in(record, steps):
            value = value[int(step[1:-1])] if step.startswith("[") else value[step]
    except (LookupError, TypeError, AttributeError, msgspec.ValidationError):
        return None
    return None if value in (None, [], {}) else (path, value)


def _undetermined_text(record: Resource, steps: list[str]) -> str | None:
    """Return the text in no known language that a text in a language takes the place of; None without one."""
    texts = getattr(record, steps[0], None) if len(steps) == 2 else None
    return texts.get("und") if isinstance(texts, dict) and steps[1] not in texts else None


def _with_tag(texts: dict[str, str], tag: str) -> dict[str, str]:
    """Return the texts with that of a language in the place of the one in no known language."""
    corrected = texts.pop(tag)
    return {(tag if key == "und" else key): (corrected if key == "und" else text) for key, text in texts.items()}


def _set(tree: Any, steps: list[str], value: Any) -> None:
    for step in steps[:-1]:
        tree = tree[int(step[1:-1])] if step.startswith("[") else tree[step]
    last = steps[-1]
    if last.startswith("["):
        tree[int(last[1:-1])] = value
    elif value is None:
        tree.pop(last, None)
    else:
        tree[last] = value


def _mistake(record: Resource, field: str) -> str | None:
    """Say what is wrong with a value that the field's type allows and the shared schema does not; None if nothing is.

    Types leave out codes of the library's lists, dates, durations, ages, language tags and media types.
    """
    check = _CHECKS.get(field)
    return _check_texts(field, msgspec.to_builtins(getattr(record, field))) or (check(record) if check else None)


def _check_texts(path: str, value: Any) -> str | None:
    """Say where a text is empty or holds a control character; an unknown statement of a licence may be empty."""
    if isinstance(value, str):
        if not value.strip() and path.rpartition(".")[2] not in _MAY_BE_EMPTY:
            return f"{path} would be an empty text; give a text, or null to remove it"
        return f"{path} would hold a control character" if _CONTROL.search(value) else None
    steps = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list | tuple) else ()
    mistakes = (
        _check_texts(f"{path}.{step}" if isinstance(step, str) else f"{path}[{step}]", each) for step, each in steps
    )
    return next(filter(None, mistakes), None)


def _check_address(address: str | None) -> str | None:
    return None if address is None or _is_web_address(address) else f"{address!r} is not an http or https address"


def _is_web_address(address: str) -> bool:
    try:
        return bool(_WEB_ADDRESS.fullmatch(address) and urlsplit(address).hostname and urlsplit(address).port != 0)
    except ValueError:  # a bracket that is not closed, or a port that is none
        return False


def _check_addresses(addresses: Iterable[str | None]) -> str | None:
    return next(filter(None, map(_check_address, addresses)), None)


def _check_contributors(record: Resource) -> str | None:
    roles = _check_codes("role", (person.role for person in record.contributors))
    return roles or _check_uris(person.id for person in record.contributors)


def _check_resource_types(record: Resource) -> str | None:
    codes = _check_codes("resource_type", (kind.code for kind in record.resource_types))
    return codes or _check_uris(kind.uri for kind in record.resource_types)


def _check_uris(uris: Iterable[str | None]) -> str | None:
    invalid = next((uri for uri in uris if uri is not None and not _URI.fullmatch(uri)), None)
    return None if invalid is None else f"{invalid!r} is not a URI, such as https://orcid.org/0000-0002-1825-0097"


def _check_languages(record: Resource) -> str | None:
    unsure = next((each.confidence for each in record.languages if not 0 <= each.confidence <= 1), None)
    tags = _check_tags(language.tag for language in record.languages)
    return tags or (None if unsure is None else f"a confidence of {unsure} is not between 0 and 1")


def _check_links(record: Resource) -> str | None:
    addresses = _check_addresses(link.url for link in record.links)
    return addresses or _check_media_types(link.media_type for link in record.links if link.media_type is not None)


def _check_identifiers(record: Resource) -> str | None:
    for identifier in record.identifiers:
        shape = _IDENTIFIERS.get(identifier.scheme)
        if shape is not None and not shape.fullmatch(identifier.value):
            return f"{identifier.value!r} is not an identifier of the scheme {identifier.scheme}"
    return None


def _check_date(date: str | None) -> str | None:
    from edtf import EDTFParseException, parse_edtf  # half a second to import, and corrections of dates are rare

    try:
        if date is not None:
            parse_edtf(date)
    except EDTFParseException:
        return f"{date!r} is not a date in EDTF, such as 2015-05 or 2015/2017"
    return None


def _check_duration(duration: str | None) -> str | None:
    if duration is None or _DURATION.fullmatch(duration):
        return None
    return f"{duration!r} is not a duration in ISO 8601, such as PT1H30M"


def _check_ages(record: Resource) -> str | None:
    age_range = record.age_range
    ages = [] if age_range is None else [age for age in (age_range.min, age_range.max) if age is not None]
    if ages == sorted(ages) and all(0 <= age <= _MAX_AGE_YEARS for age in ages):
        return None
    return f"{ages} are not ages from the youngest to the oldest"


def _check_codes(vocabulary: str, codes: Iterable[str | None]) -> str | None:
    known = read_vocabulary(vocabulary)
    unknown = next((code for code in codes if code is not None and code not in known), None)
    return None if unknown is None else f"{unknown!r} is none of {', '.join(known)}"


def _check_tags(tags: Iterable[str]) -> str | None:
    import langcodes

    invalid = next((tag for tag in tags if not langcodes.tag_is_valid(tag)), None)
    return None if invalid is None else f"{invalid!r} is not a language tag (BCP 47), such as sr-Latn"


def _check_media_types(media_types: Iterable[str]) -> str | None:
    invalid = next((media_type for media_type in media_types if not _MEDIA_TYPE.fullmatch(media_type)), None)
    return None if invalid is None else f"{invalid!r} is not a media type, such as application/pdf"


_CHECKS: dict[str, Callable[[Resource], str | None]] = {
    "title": lambda record: _check_tags(record.title),
    "description": lambda record: _check_tags(record.description),
    "alternative_titles": lambda record: _check_tags(text.language for text in record.alternative_titles),
    "keywords": lambda record: _check_tags(text.language for text in record.keywords),
    "coverage": lambda record: _check_tags(text.language for text in record.coverage),
    "languages": _check_languages,
    "identifiers": _check_identifiers,
    "url": lambda record: _check_address(record.url),
    "links": _check_links,
    "license": lambda record: _check_address(record.license.uri if record.license else None),
    "contributors": _check_contributors,
    "issued": lambda record: _check_date(record.issued),
    "modified": lambda record: _check_date(record.modified),
    "resource_types": _check_resource_types,
    "formats": lambda record: _check_media_types(record.formats),
    "levels": lambda record: _check_codes("level", record.levels),
    "contexts": lambda record: _check_codes("context", record.contexts),
    "audiences": lambda record: _check_codes("audience", record.audiences),
    "age_range": _check_ages,
    "difficulty": lambda record: _check_codes("difficulty", [record.difficulty]),
    "typical_learning_time": lambda record: _check_duration(record.typical_learning_time),
    "interactivity_type": lambda record: _check_codes("interactivity_type", [record.interactivity_type]),
    "relations": lambda record: _check_codes("relation_kind", (relation.kind for relation in record.relations)),
}
