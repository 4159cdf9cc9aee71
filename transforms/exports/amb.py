"""AMB, the German profile of schema.org for learning resources (https://dini-ag-kim.github.io/amb/20231019/).

The counterpart of transforms/crosswalks/amb.py. Documents validate against AMB's JSON Schema. Its `about` takes the
German lists of subjects only: subjects of ISCED-F 2013 and the UNESCO Thesaurus stand in `educationalAlignment`, which
schema.org has for them and AMB leaves free.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote

from schemas import Link, Published, Resource, competency_text
from transforms.exports.schema_org import (
    Words,
    alignment,
    alignments,
    coverage,
    identifier_values,
    in_language,
    media_object,
    people,
    relations,
    teaching,
    titles_main_first,
    to_json,
)
from transforms.exports.texts import clean
from transforms.exports.values import (
    is_address,
    listed,
    main_language,
)
from transforms.normalize.vocabulary import lookup

CONTEXT = "https://w3id.org/kim/amb/context.jsonld"
CANNOT_CARRY = {
    "title and description in further languages": "`name` and `description` are one text: further titles come back as"
    " alternative ones, further descriptions are left out",
    "title and description of an unknown language": "`@language` is required and has two letters: it is the resource's,"
    " else English",
    "languages.script and region": "`inLanguage` has the two letters of ISO 639-1; a language without them is left out",
    "identifiers without the page": "`id` is the page, and the first identifier",
    "contributors.role other than author and editor": "schema.org's contributor has no role",
    "contributors order between roles": "each role is a property of its own",
    "contexts that are a level too (pre-school)": "an alignment with a level does not tell the two apart",
    "audiences without a role of LRMI": "`audience` takes the URIs of a list: author, librarian, counsellor and other"
    " have none",
    "links.media_type of previews and thumbnails": "they are addresses only",
    "formats without those of links": "the media type of a link is one of the resource too",
    "links.role preview, after the first": "`image` is one address",
    "subjects.code of the partner's own": "targetUrl is an address",
    "relations.kind other than ispartof, haspart, isbasedon and references, and translations": "no property",
    "relations ispartof and haspart without an address": "they need an `id`",
    "relations.variant other than translation": "no property",
    "issued that is no certain day": "`datePublished` is a day",
    "modified that is no certain day": "as issued",
    "license.origin": "what a feed says of all its records is said of each",
}

_WORDS = Words("type", "id", "creator")
_TYPES = {  # the code of a kind: AMB's type that means it
    "application": "SoftwareApplication",
    "assessment": "Quiz",
    "audio": "AudioObject",
    "course": "Course",
    "data": "DataDownload",
    "educational_game": "Game",
    "image": "ImageObject",
    "map": "Map",
    "sheet_music": "SheetMusic",
    "slide": "PresentationDigitalDocument",
    "video": "VideoObject",
}
_LRMI = "http://purl.org/dcx/lrmi-vocabs/"
_AUDIENCES = {  # code: the term of LRMI's list educationalAudienceRole, with its label
    "teacher": ("teacher", "teacher"),
    "learner": ("student", "student"),
    "manager": ("administrator", "administrator"),
    "parent": ("parent", "parent"),
    "mentor": ("mentor", "mentor"),
    "professional": ("professional", "professional"),
    "general public": ("generalPublic", "general public"),
}
_LEVELS = frozenset("012345678")  # of ISCED 2011, which that list follows; its own level 9 is another
_MEDIA_TYPE = re.compile(r"(application|audio|example|font|image|message|model|multipart|text|video)/[a-zA-Z0-9+_.-]+")
_LICENSES = re.compile(
    r"https?://(?:creativecommons\.org/(?:licenses|licences|publicdomain)/|www\.gnu\.org/licenses/"
    r"|www\.apache\.org/licenses/|opensource\.org/licenses/MIT|www\.opensource\.org/licenses/BSD)"
)
_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_URI_CHARACTERS = "%/:?#[]@!$&'()*+,;=~-._"


def render(published: Published) -> str:
    """Return the record as a JSON-LD document that validates against AMB's JSON Schema."""
    return to_json(_document(published))


def _document(published: Published) -> dict[str, Any]:
    record = published.record
    language = _language(record)
    types = [_TYPES[concept.code] for concept in record.resource_types if concept.code in _TYPES]
    return {
        "@context": [CONTEXT, {"@language": language}],
        "id": _uri(record.url or published.address or f"urn:elib:{published.id}"),
        "type": ["LearningResource", *types],
        **_texts(record, language),
        "identifier": identifier_values(record, _WORDS),
        "inLanguage": list(_languages(record)),
        **people(record, _WORDS),
        "datePublished": _day(record.issued),
        "dateModified": _day(record.modified),
        **_license(record),
        **teaching(record),
        **_terms(record),
        "educationalAlignment": _alignments(record),
        **coverage(record, language),
        "encodingFormat": list(record.formats),
        **_media(record),
        **_relations(published),
        "mainEntityOfPage": _pages(published),
        "sdLicense": published.metadata_license,
    }


def _language(record: Resource) -> str:
    """Return the language of the texts, which AMB wants with two letters; English where none is known."""
    return _two_letters(main_language(record)) or next(iter(_languages(record)), "en")


def _languages(record: Resource) -> dict[str, None]:
    return dict.fromkeys(filter(None, (_two_letters(language.tag) for language in record.languages)))


def _texts(record: Resource, language: str) -> dict[str, Any]:
    """Return name and description, which are one text each, and the other titles with their languages."""
    main = main_language(record) or ""
    name, *other_titles = titles_main_first(record).items() or [("", "")]
    titles = [*other_titles, *((title.language, title.text) for title in record.alternative_titles)]
    return {
        "name": name[1],
        "alternateName": [in_language(tag, text, language) for tag, text in titles],
        "description": record.description.get(main) or next(iter(record.description.values()), None),
        "keywords": [keyword.text for keyword in record.keywords],
    }


def _terms(record: Resource) -> dict[str, Any]:
    """Return the terms of the lists that AMB names."""
    return {
        "interactivityType": _interactivity(record.interactivity_type),
        "learningResourceType": [_concept(*listed("resource_type", each.code)) for each in record.resource_types],
        "educationalLevel": [_level(level) for level in record.levels if level in _LEVELS],
        "audience": [_audience(*_AUDIENCES[role]) for role in record.audiences if role in _AUDIENCES],
    }


def _media(record: Resource) -> dict[str, Any]:
    return {
        "encoding": [_encoding(link) for link in record.links if link.role == "content"],
        "image": next((_uri(link.url) for link in record.links if link.role == "preview"), None),
        "thumbnailUrl": [link.url for link in record.links if link.role == "thumbnail"],
    }


def _two_letters(tag: str | None) -> str | None:
    """Return the language of a tag in ISO 639-1; None for one that has three letters, and for `und`."""
    primary = (tag or "").partition("-")[0]
    return primary if len(primary) == 2 else None


def _uri(address: str) -> str:
    """Return an address as a URI: what is outside ASCII percent-encoded."""
    return address if address.isascii() else quote(clean(address), safe=_URI_CHARACTERS)


def _day(date: str | None) -> str | None:
    return date if date and _DAY.fullmatch(date) else None


def _license(record: Resource) -> dict[str, Any]:
    """Return the licence where AMB's list has it; any other as usageInfo."""
    if record.license is None:
        return {}
    uri, statement = record.license.uri, record.license.statement
    if uri is None or not _LICENSES.match(uri):
        return {"usageInfo": list(dict.fromkeys(filter(None, (statement, uri))))}
    return {"license": ({"name": statement} if statement not in ("", uri) else {}) | {"id": uri}}


def _concept(label: str, uri: str | None) -> dict[str, Any]:
    return {"type": "Concept", "id": uri, "prefLabel": {"en": label}}


def _interactivity(code: str | None) -> dict[str, Any] | None:
    return _concept(code, f"{_LRMI}interactivityType/{code}") if code else None


def _level(level: str) -> dict[str, Any]:
    return _concept(listed("level", level)[0], f"https://w3id.org/kim/educationalLevel/level_{level}")


def _audience(term: str, label: str) -> dict[str, Any]:
    return _concept(label, f"{_LRMI}educationalAudienceRole/{term}")


def _alignments(record: Resource) -> list[dict[str, Any]]:
    """Return the subjects and what else AMB's lists lack: contexts, level 9 of ISCED, teachers' competencies."""
    contexts = [context for context in record.contexts if lookup("level", context) is None]
    levels = [listed("level", level)[0] for level in record.levels if level not in _LEVELS]
    return [
        *alignments(record, _WORDS),
        *(alignment("educationalLevel", name, _WORDS) for name in (*levels, *contexts)),
        *(alignment("teaches", competency_text(each), _WORDS) for each in record.competencies),
    ]


def _encoding(link: Link) -> dict[str, str]:
    media = media_object(link, _WORDS)
    if not _MEDIA_TYPE.fullmatch(media.get("encodingFormat", "")):
        media.pop("encodingFormat", None)
    return media | {"contentUrl": _uri(link.url)}


def _relations(published: Published) -> dict[str, list[Any]]:
    """Return the related works; those that this one is part of, or has as parts, need an address."""
    related = relations(published, _work)
    for name in ("isPartOf", "hasPart"):
        related[name] = [work for work in related.get(name, []) if "id" in work]
    return related


def _work(target: str) -> dict[str, str]:
    return {"id": _uri(target)} if is_address(target) else {"name": target}


def _pages(published: Published) -> list[dict[str, Any]]:
    """Return the library's page of the resource, which describes it."""
    if published.address is None:
        return []
    return [{"id": published.address, "type": "WebContent", "dateModified": published.visible_at}]
