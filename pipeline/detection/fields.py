"""Guess what the fields of unknown records hold: by names in eight languages, and by the shape of their values."""

from __future__ import annotations

import json
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from pipeline.detection.found import SeenField, shortened
from schemas import license_names, read_toml, read_vocabulary

_MAX_RECORDS = 200  # that are looked at
_MAX_FIELDS = 300
_MAX_DEPTH = 5  # of objects inside a record
_MAX_VALUES = 20  # of one field in one record
_MAX_EXAMPLES = 3
_MAX_EXAMPLE_CHARS = 120
_MAX_IDENTIFIER_CHARS = 500
_MAX_PATH_CHARS = 300
_MAX_SPLIT_CHARS = 80  # of one value between two marks, at the median
_MIN_SHARE = 0.6  # of a field's values that have the shape of its target
_JMESPATH_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_WEB = re.compile(r"https?://\S+")
_BARE_WEB = re.compile(r"(?:https?://)?[\w-]{1,63}\.[\w.-]{2,200}/\S*")  # the scheme may be missing
_IMAGE_ENDS = (".png", ".jpg", ".jpeg", ".gif", ".webp", ".svg")
_LICENSE_HOSTS = ("creativecommons.org/", "rightsstatements.org/", "opensource.org/licenses/")
_DOI = re.compile(r"(?:doi:\s*|https?://(?:dx\.)?doi\.org/)?10\.\d{4,9}/\S+", re.IGNORECASE)
_ISBN = re.compile(r"(?:97[89][- ]?)?\d[- \d]{8,15}[\dXx]")
_YEAR = re.compile(r"[0-9]{3,4}|[\u0660-\u0669\u0966-\u096f\u0e50-\u0e59]{4}")
_NUMBER = re.compile(r"-?\d+(?:[.,]\d+)?")
_WORDS = re.compile(r"[\W_]+")
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_LANGUAGE_MARK = re.compile(r"[ _\-.(\[]([A-Za-z]{2,3})[)\]]?$")


@dataclass
class FieldValues:
    """A field of the records, the text of its values, and in how many records it has any."""

    path: str  # as [map] takes it
    names: tuple[str, ...]  # its keys, from the record inwards, as they are written
    values: list[str] = field(default_factory=list)
    records: int = 0
    is_list: bool = False  # a record may have several values
    is_plain: bool = True  # a text or number of the record itself or of an object in it, so that it can identify it

    @property
    def dotted(self) -> str:
        """The path as the other keys of a feed file take it."""
        return ".".join(self.names)

    @property
    def is_unique(self) -> bool:
        """Whether no two records have the same value."""
        return len(set(self.values)) == len(self.values)

    def share(self, pattern: re.Pattern[str]) -> float:
        """Return the share of values that are wholly of a shape."""
        return sum(pattern.fullmatch(value.strip()) is not None for value in self.values) / max(1, len(self.values))


def read_fields(records: Sequence[Mapping[str, Any]], *, columns: bool = False) -> list[FieldValues]:
    """Return the fields that records have. `columns`: they are rows, whose names are columns and not expressions."""
    fields: dict[str, FieldValues] = {}
    for record in records[:_MAX_RECORDS]:
        seen: set[str] = set()
        for path, names, value, in_list in _leaves(record, columns):
            if path not in fields and (len(fields) >= _MAX_FIELDS or not _can_be_mapped(path, names)):
                continue
            known = fields.setdefault(path, FieldValues(path, names))
            known.is_list |= in_list
            known.is_plain &= not in_list
            if path not in seen:
                known.records += 1
            elif not in_list:
                known.is_list = True
            seen.add(path)
            known.values.append(value)
    return list(fields.values())


def named_fields(names: Sequence[str]) -> list[FieldValues]:
    """Return fields of which nothing but the names is known."""
    return [FieldValues(_quoted(name), (name,)) for name in names if _can_be_mapped(name, (name,))]


def _leaves(record: Mapping[str, Any], columns: bool) -> Iterator[tuple[str, tuple[str, ...], str, bool]]:
    """Yield path, keys, text and whether it is one of a list, of every value in a record."""
    for name, value in record.items():
        path = name if columns else _quoted(name)
        if not columns or name:
            yield from _leaves_of(path, (name,), value, False, 0)


def _leaves_of(
    path: str, names: tuple[str, ...], value: Any, in_list: bool, depth: int
) -> Iterator[tuple[str, tuple[str, ...], str, bool]]:
    if depth > _MAX_DEPTH:
        return
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _leaves_of(f"{path}.{_quoted(str(name))}", (*names, str(name)), inner, in_list, depth + 1)
    elif isinstance(value, list):
        for entry in value[:_MAX_VALUES]:
            inner_path = f"{path}[]" if isinstance(entry, Mapping) else path
            yield from _leaves_of(inner_path, names, None if isinstance(entry, list) else entry, True, depth + 1)
    elif text := _text(value):
        yield path, names, text, in_list


def _text(value: Any) -> str:
    """Return the text of a value of JSON; empty for null, true and false."""
    return "" if value is None or isinstance(value, bool) else str(value).strip()


def _can_be_mapped(path: str, names: Sequence[str]) -> bool:
    """Return whether a feed file can name a path: not too long, and without control characters."""
    are_plain = all(name.isprintable() and name == name.strip() for name in names)
    return 0 < len(path) <= _MAX_PATH_CHARS and are_plain


def _quoted(name: str) -> str:
    """Return a key as a JMESPath identifier: https://jmespath.org/specification.html#identifiers."""
    return name if _JMESPATH_NAME.fullmatch(name) else json.dumps(name, ensure_ascii=False)


@cache
def _names() -> dict[str, dict[str, int]]:
    """Return for each target the folded names that mean it, with their rank."""
    table: dict[str, list[str]] = read_toml(Path(__file__).with_name("field_names.toml"))
    return {target: _ranked(names) for target, names in table.items()}


def _ranked(names: Sequence[str]) -> dict[str, int]:
    """Return the folded names with their rank; of names that fold alike, the first one's."""
    return {fold_name(name): rank for rank, name in reversed([*enumerate(names)])}


def is_common_name(name: str) -> bool:
    """Return whether a field's name says what it holds in anybody's records, so that it is a sign of no format."""
    return any(fold_name(name) in known for known in _names().values())


def fold_name(name: str) -> str:
    """Return a name in small letters, without diacritics, its words apart by one space: datePublished, Mots-clés."""
    apart = _CAMEL.sub(" ", name)
    decomposed = unicodedata.normalize("NFKD", apart.casefold())
    plain = "".join(sign for sign in decomposed if not unicodedata.combining(sign))
    return " ".join(_WORDS.sub(" ", plain).split())


_IDENTIFIER = "identifier"
_WEIGHT_OF_FIELD = 1_000  # a name that means a target outweighs every rank


def _name_score(field_values: FieldValues, target: str) -> int:
    """Return how well a field's name means a target; 0 for not at all.

    The last key counts, in the record or in an object that only contains its fields, and the one around it where the
    last is the value itself: {"title": {"rendered": …}}. An identifier that is no label counts less.
    """
    known = _names()[target]
    names = [fold_name(_without_language(name)[0]) for name in field_values.names]
    is_value = len(names) > 1 and names[-1] in _VALUE_KEYS and names[-2] in known and names[-2] not in _CONTAINERS
    if is_value:
        return _WEIGHT_OF_FIELD - known[names[-2]] - _DEPTH_WEIGHT * (len(names) - 2) - _code_weight(names[-1])
    if names[-1] not in known or not _CONTAINERS.issuperset(names[:-1]):
        return 0
    return _WEIGHT_OF_FIELD - known[names[-1]] - _DEPTH_WEIGHT * (len(names) - 1)


def _code_weight(name: str) -> int:
    return _DEPTH_WEIGHT if name in _CODE_KEYS else 0


_DEPTH_WEIGHT = 100  # what each object around a field takes from its score
_CODE_KEYS = frozenset({"id", "code", "url", "href", "uri"})
# objects that only contain a record's fields
_CONTAINERS = frozenset(
    {
        *("attributes", "metadata", "fields", "properties", "source", "snippet", "data", "node", "item", "record"),
        *("resource", "document", "doc", "general", "info", "meta", "details", "object", "page", "links", "link"),
        *("urls", "ref", "header", "indexable object", "dc", "content"),
    }
)
# keys of an object that hold what the key around it names
_VALUE_KEYS = frozenset(
    {
        *("value", "rendered", "text", "name", "label", "title", "full name", "display name", "en", "fr", "ru", "ar"),
        *("es", "pt", "de", "sr", "und", "id", "code", "url", "href", "plain", "html", "content", "src"),
    }
)


def _without_language(name: str) -> tuple[str, str | None]:
    """Return a name without the language at its end, and that language: title_fr, Titre (fr)."""
    mark = _LANGUAGE_MARK.search(name)
    code = mark[1].lower() if mark else ""
    if mark is None or not _is_language_code(code):
        return name, None
    return name[: mark.start()], code


# codes of languages that are other words in the names of fields
_NO_LANGUAGES = frozenset({"id", "no", "to", "is", "or", "so", "as", "an", "be", "in", "new", "end", "min", "max"})


@cache
def _is_language_code(code: str) -> bool:
    import langcodes

    if code in _NO_LANGUAGES:
        return False
    return code in read_vocabulary("languages")["codes"] or (len(code) == 2 and bool(langcodes.tag_is_valid(code)))


# what the values of a target must look like, where a name alone may mislead
def _shape_fits(field_values: FieldValues, target: str) -> bool:
    check = _SHAPES.get(target)
    return check is None or check(field_values)


def _is_web(values: FieldValues) -> bool:
    return values.share(_WEB) >= _MIN_SHARE


def _is_page(values: FieldValues) -> bool:
    pictures = sum(value.partition("?")[0].lower().endswith(_IMAGE_ENDS) for value in values.values)
    return _is_web(values) and pictures < _MIN_SHARE * len(values.values)


def _is_date(values: FieldValues) -> bool:
    dated = sum(_YEAR.search(value) is not None and len(value) <= 60 for value in values.values)
    return dated >= _MIN_SHARE * len(values.values)


def _is_language(values: FieldValues) -> bool:
    return all(len(value) <= 60 for value in values.values) and values.share(_NUMBER) < _MIN_SHARE


def _is_text(values: FieldValues) -> bool:
    return values.share(_NUMBER) < _MIN_SHARE and values.share(_WEB) < _MIN_SHARE


def _is_short_text(values: FieldValues) -> bool:
    return _is_text(values) and _median_chars(values) <= 300


def _is_term(values: FieldValues) -> bool:
    return values.share(_NUMBER) < _MIN_SHARE and _median_chars(values) <= 200


def _median_chars(values: FieldValues) -> int:
    lengths = sorted(map(len, values.values))
    return lengths[len(lengths) // 2] if lengths else 0


_SHAPES: dict[str, Callable[[FieldValues], bool]] = {
    "title": _is_short_text,
    "alternative_titles": _is_short_text,
    "description": _is_text,
    "keywords": _is_term,
    "subjects": _is_term,
    "languages": _is_language,
    "contributors:author": _is_short_text,
    "contributors:editor": _is_short_text,
    "publishers": _is_short_text,
    "issued": _is_date,
    "modified": _is_date,
    "license": lambda values: values.share(_NUMBER) < _MIN_SHARE,
    "url": _is_page,
    "links:thumbnail": _is_web,
    "identifiers:doi": lambda values: values.share(_DOI) >= _MIN_SHARE,
    "identifiers:isbn": lambda values: values.share(_ISBN) >= _MIN_SHARE,
    "resource_types": _is_term,
    "levels": lambda values: _median_chars(values) <= 200,
    "audiences": _is_term,
    "age_range": lambda values: _median_chars(values) <= 60,
    "formats": _is_term,
    "coverage": _is_term,
    "typical_learning_time": lambda values: _median_chars(values) <= 60,
}
_SINGLE = frozenset({"url", "license", "issued", "modified", "title", "description"})  # one field of the records
_SPLIT_MARKS = {
    **dict.fromkeys(("keywords", "subjects", "levels", "resource_types", "audiences"), ("|", ";", ",", "،")),
    **dict.fromkeys(("languages",), ("|", ";", ",", "/")),
    **dict.fromkeys(("contributors:author", "contributors:editor", "publishers"), ("|", ";")),
}


def guess_targets(fields: Sequence[FieldValues]) -> dict[str, list[FieldValues]]:
    """Return for each target of `[map]` the fields that are guessed to hold it; each field is in one at most."""
    scores = sorted(
        (
            (-score, position, target)
            for target in _names()
            if target != _IDENTIFIER
            for position, each in enumerate(fields)
            if (score := _name_score(each, target)) and _shape_fits(each, target)
        ),
    )
    targets: dict[str, list[FieldValues]] = {}
    taken: set[int] = set()
    for _, position, target in scores:
        each = fields[position]
        if position in taken or (target in targets and not _may_join(target, targets[target], each)):
            continue
        taken.add(position)
        targets.setdefault(target, []).append(each)
    _guess_by_values(fields, taken, targets)
    return targets


def _may_join(target: str, before: Sequence[FieldValues], other: FieldValues) -> bool:
    """Return whether a further field may hold a target: the same text in another language, or more terms."""
    languages = [language_of(each) for each in (*before, other)]
    if all(languages) and len(set(languages)) == len(languages):
        return True
    is_label = fold_name(other.names[-1]) not in _CODE_KEYS
    return target in ("keywords", "subjects") and is_label and len(before) < 3


def language_of(values: FieldValues) -> str | None:
    """Return the language that a field's name says, as in title.fr, title_fr and Titre (fr)."""
    last = values.names[-1]
    if len(values.names) > 1 and _is_language_code(last.lower()):
        return last.lower()
    return _without_language(last)[1]


def _guess_by_values(fields: Sequence[FieldValues], taken: set[int], targets: dict[str, list[FieldValues]]) -> None:
    """Fill targets that no name means by the shape of values alone."""
    for target, check in _BY_VALUES.items():
        if target in targets:
            continue
        fitting = [position for position, each in enumerate(fields) if position not in taken and check(each)]
        if fitting:
            best = max(fitting, key=lambda position: (fields[position].records, -len(fields[position].names)))
            taken.add(best)
            targets[target] = [fields[best]]


def _looks_like_titles(values: FieldValues) -> bool:
    words = sum(" " in value for value in values.values)
    return (
        not values.is_list
        and _is_short_text(values)
        and values.is_unique
        and words >= _MIN_SHARE * len(values.values)
        and not _is_date(values)
        and 8 <= _median_chars(values) <= 150
    )


def _names_license(value: str) -> bool:
    """Return whether a text is a licence's name, or the address of a well-known one: any address may be a licence's."""
    if _WEB.match(value):
        return any(host in value for host in _LICENSE_HOSTS)
    return license_names.names_license(value)


def _names_licenses(values: FieldValues) -> bool:
    named = sum(_names_license(value) for value in values.values)
    return bool(values.values) and named >= _MIN_SHARE * len(values.values)


_BY_VALUES: dict[str, Callable[[FieldValues], bool]] = {
    "identifiers:doi": lambda values: values.share(_DOI) >= 0.9,
    "url": lambda values: values.share(_WEB) >= 0.9 and _is_page(values) and values.is_unique and values.is_plain,
    "license": _names_licenses,
    "title": _looks_like_titles,
}


def map_of(targets: Mapping[str, Sequence[FieldValues]]) -> dict[str, Any]:
    """Return the `[map]` of a feed file for what was guessed."""
    return {target: _entries(target, fields) for target, fields in sorted(targets.items(), key=_order)}


def _order(row: tuple[str, Any]) -> int:
    return list(_names()).index(row[0])


def _entries(target: str, fields: Sequence[FieldValues]) -> Any:
    entries = [_entry(target, each) for each in fields]
    return entries[0] if len(entries) == 1 else entries


def _entry(target: str, values: FieldValues) -> Any:
    entry: dict[str, str] = {"path": values.path}
    mark = split_mark(values, _SPLIT_MARKS.get(target, ()))
    if mark is not None:
        entry["split"] = mark
    language = language_of(values) if target in _TEXTS else None
    if language is not None:
        entry["language"] = language
    return entry if len(entry) > 1 else values.path


_TEXTS = frozenset({"title", "alternative_titles", "description", "keywords"})


def split_mark(values: FieldValues, marks: Iterable[str]) -> str | None:
    """Return what stands between several values of one text: a mark that a fifth of the texts have, or None."""
    texts = [value for value in values.values if not _WEB.match(value)]
    return next((mark for mark in marks if _parts_texts(mark, texts)), None)


def _parts_texts(mark: str, texts: Sequence[str]) -> bool:
    """Return whether a fifth of some texts have a mark inside, and what it parts is short."""
    having = [text for text in texts if mark in text.strip(mark)]
    pieces = sorted(len(piece) for text in having for piece in text.split(mark))
    return bool(having) and 5 * len(having) >= len(texts) and pieces[len(pieces) // 2] <= _MAX_SPLIT_CHARS


def guess_identifier(fields: Sequence[FieldValues], records: int) -> FieldValues | None:
    """Return the field that identifies the records: every record has one, and no two the same; None if there is none.

    Where no name says so, it is an address, or else the shortest text that differs in all records.
    """
    candidates = [each for each in fields if each.records == records and _may_identify(each)]
    named = [each for each in candidates if _name_score(each, _IDENTIFIER)]
    if named:
        return max(named, key=lambda each: (_name_score(each, _IDENTIFIER), -len(each.names)))
    if records < 2:  # of one record every field differs from those of all others
        return None
    texts = filter(_is_outer_text, candidates)
    return min(texts, key=_identifies_badly, default=None)


def _is_outer_text(values: FieldValues) -> bool:
    return len(values.names) == 1 and values.share(_NUMBER) == 0


def _identifies_badly(values: FieldValues) -> tuple[bool, bool, int]:
    return values.share(_WEB) < 1, values.share(_BARE_WEB) < 1, _median_chars(values)


def is_surely_identifier(values: FieldValues) -> bool:
    """Return whether a field's name or its addresses say that it identifies a record, and not chance."""
    return bool(_name_score(values, _IDENTIFIER)) or values.share(_BARE_WEB) == 1


def _may_identify(values: FieldValues) -> bool:
    """Return whether each record has one value of its own, short enough for an identifier."""
    is_one = values.is_plain and not values.is_list and values.is_unique
    return is_one and all(len(value) <= _MAX_IDENTIFIER_CHARS and "\n" not in value for value in values.values)


def seen_fields(fields: Sequence[FieldValues], targets: Mapping[str, Sequence[FieldValues]]) -> tuple[SeenField, ...]:
    """Return the fields with examples of their values, and what they are guessed to be."""
    guessed = {each.path: target for target, taken in targets.items() for each in taken}
    return tuple(
        SeenField(path=each.path, examples=_examples(each.values), target=guessed.get(each.path)) for each in fields
    )


def _examples(values: Sequence[str]) -> tuple[str, ...]:
    """Return up to three different values, the most frequent first, shortened."""
    texts = (shortened(value, _MAX_EXAMPLE_CHARS) for value in values)
    return tuple(value for value, _ in Counter(filter(None, texts)).most_common(_MAX_EXAMPLES))
