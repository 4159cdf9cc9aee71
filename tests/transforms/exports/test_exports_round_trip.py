"""A resource that is exported and read back with our own crosswalk has the same values, but for what is declared.

`FIELDS` says, for each format, how a field that it carries in part is compared; every other field must be equal, or
be declared in the format's CANNOT_CARRY as a whole.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from operator import attrgetter
from pathlib import Path
from typing import Any

import msgspec
import pytest

from bench.stored import records
from schemas import Feed, Published, Resource, SourceRecord, Text, replace
from tests.fixtures.exports.regenerate import resources as exported_resources
from transforms import transform_all
from transforms.crosswalks.marcxml import without_isbd
from transforms.exports import EXPORTS
from transforms.exports.values import is_address
from transforms.normalize.identifiers import read_identifier
from transforms.normalize.people import read_contributors
from transforms.normalize.record.lists import split_list
from transforms.normalize.vocabulary import lookup, subjects

ROOT = Path(__file__).resolve().parents[3]
SHARED = ROOT.parent / "shared"
FEED = Feed(name="exports", title="Exports", partner="Sample Partner", protocol="files", url="exports")
READ_BACK = sorted(name for name, export in EXPORTS.items() if export.crosswalk)
OURS = frozenset({"key", "terms", "provenance", "unmapped"})  # of the record and its source, and never exported
Same = Callable[[Resource, Resource], bool]


def same(view: Callable[[Resource], Any]) -> Same:
    """Compare what a function shows of both records."""
    return lambda record, back: bool(view(record) == view(back))


def contains(view: Callable[[Resource], Iterable[Any]]) -> Same:
    """Compare as sets: everything came back."""
    return lambda record, back: set(view(record)) <= set(view(back))


def squeezed(text: str) -> str:
    return " ".join(text.split())


def has_unknown_language(record: Resource) -> bool:
    """Tell whether a text has no language: read back, it gets the record's, and may be a further one of that."""
    return "und" in record.title or "und" in record.description


def title_texts(record: Resource) -> set[str]:
    return {*record.title.values(), *(title.text for title in record.alternative_titles)}


def paragraphs(record: Resource) -> set[str]:
    return {squeezed(part) for text in record.description.values() for part in text.split("\n\n")}


def titles(record: Resource, back: Resource) -> bool:
    if "und" in record.title:
        return title_texts(record) >= set(back.title.values()) and title_texts(back) >= set(record.title.values())
    return record.title == back.title


def descriptions(record: Resource, back: Resource) -> bool:
    if "und" in record.description:
        return paragraphs(record) == paragraphs(back)
    return record.description == back.description


def of_titled_languages(record: Resource, back: Resource) -> bool:
    """Compare the other titles of a language that has a title."""
    if any(title.language == "und" for title in record.alternative_titles) or "und" in record.title:
        return {title.text for title in record.alternative_titles if title.language in record.title} <= title_texts(
            back
        )
    titled = [title for title in record.alternative_titles if title.language in record.title]
    return titled == list(back.alternative_titles)


def alternative_titles(record: Resource, back: Resource) -> bool:
    if has_unknown_language(record) or any(title.language == "und" for title in record.alternative_titles):
        return {title.text for title in record.alternative_titles} <= title_texts(back)
    return record.alternative_titles == back.alternative_titles


def known(texts: Iterable[Text]) -> list[Text]:
    return [text for text in texts if text.language != "und"]


def keywords(record: Resource, back: Resource) -> bool:
    """Compare keywords; one without a language may get the record's."""
    texts = single_keywords(record)
    listed = {text.text for text in record.keywords} - set(texts)
    whole = [text for text in known(record.keywords) if text.text not in listed]
    return texts == single_keywords(back) and set(whole) <= set(back.keywords)


def single_keywords(record: Resource) -> list[str]:
    """Return the keywords; of one that reads as a list each part, as with any record."""
    return list(dict.fromkeys(part for keyword in record.keywords for part in split_list(keyword.text)[0]))


def keywords_and_labels(clean: Callable[[str], str]) -> Same:
    """Compare keywords where labels of subjects cannot be told from them."""

    def compare(record: Resource, back: Resource) -> bool:
        labels = {clean(part) for subject in record.subjects for part in split_list(subject.label)[0]}
        texts = set(map(clean, single_keywords(record)))
        return labels | texts == set(map(clean, single_keywords(back)))

    return compare


def all_subjects(record: Resource, back: Resource) -> bool:
    """Compare subjects; what keywords and labels of a list mean comes with them, as it does with every record."""
    languages = [None, *(language.tag for language in back.languages)]
    words = [(text.text, text.language) for text in record.keywords]
    words += [(subject.label, None) for subject in record.subjects]
    meant = {
        subject
        for text, own in words
        for language in (own, *languages)
        for part in (text, *re.split("[;,،؛、]", text))
        for subject in subjects(part.strip(), language)
    }
    return set(record.subjects) <= set(back.subjects) and set(back.subjects) <= set(record.subjects) | meant


def listed_subjects(record: Resource, back: Resource) -> bool:
    """Compare the subjects of our lists, which are found again by their labels."""
    labels = {subject.label for subject in record.subjects if subjects(subject.label)}
    return labels <= {subject.label for subject in back.subjects} and all_subjects(
        replace(record, subjects=tuple(each for each in back.subjects if each.label in labels)), back
    )


def subjects_without_codes(record: Resource, back: Resource) -> bool:
    """Compare subjects, those of the partner's own by label only."""

    def plain(each: Resource) -> Resource:
        return replace(
            each,
            subjects=tuple(
                replace(subject, code=None) if subject.scheme == "source" else subject for subject in each.subjects
            ),
        )

    return all_subjects(plain(record), plain(back))


def plain_date(field: str, shape: str = r"\d{4}(-\d\d(-\d\d)?)?") -> Same:
    """Compare a date where it is one that the format can say."""

    def compare(record: Resource, back: Resource) -> bool:
        date = getattr(record, field)
        return getattr(back, field) == (date if date and re.fullmatch(shape, date) else None)

    return compare


def year_of(field: Same) -> Same:
    return lambda record, back: not field(record, record) or record.issued_year == back.issued_year


def content_addresses(record: Resource) -> set[str]:
    addresses = {link.url for link in record.links if link.role == "content"} if record.url else set()
    return addresses - {record.url or ""}


def address(record: Resource, back: Resource) -> bool:
    """Compare the page; the files of a resource without a page are its first address."""
    return record.url == back.url or (record.url is None and back.url in {link.url for link in record.links})


def links_and_roles(record: Resource, back: Resource) -> bool:
    if record.url is None:
        return True
    pages = {(record.url, "content")}
    there = {(each.url, each.role) for each in record.links}
    return there - pages == {(each.url, each.role) for each in back.links} - pages


def links_with_types(record: Resource, back: Resource) -> bool:
    """Compare links; an address that is an identifier too is a further link when it is read."""
    there = {each if each.role == "content" else replace(each, media_type=None) for each in record.links}
    named = {each.url for each in record.links}
    further = {each for each in back.links if each.url in named and each.media_type is None and each.role == "content"}
    return there <= set(back.links) <= there | further


def links_with_one_preview(record: Resource, back: Resource) -> bool:
    previews = [each for each in record.links if each.role == "preview"]
    return links_with_types(
        replace(record, links=tuple(each for each in record.links if each not in previews[1:])), back
    )


def formats_and_links(record: Resource, back: Resource) -> bool:
    of_links = {link.media_type for link in record.links} - {None}
    if not record.url and not record.links:
        return set(back.formats) <= set(record.formats)
    return set(record.formats) <= set(back.formats) <= {*record.formats, *of_links}


def identifiers_and_addresses(record: Resource, back: Resource) -> bool:
    """Compare identifiers where the page and the files are identifiers too."""
    addresses = {record.url, *(link.url for link in record.links)} - {None}
    addresses |= {each.value for each in back.identifiers if each.value.startswith("urn:elib:")}
    of_addresses = {read_identifier(each) for each in addresses if each}
    return set(record.identifiers) <= set(back.identifiers) <= {*record.identifiers, *of_addresses}


def reread(contributor: Any, kind: str | None = None) -> tuple[str, ...]:
    """Return the name as every reader takes it: a word for a role at its end is none of the name."""
    return tuple(each.name for each in read_contributors(contributor.name, contributor.role, kind)) or ("",)


def named_authors(record: Resource) -> list[tuple[str, bool]]:
    return [(name, each.role == "author") for each in record.contributors for name in reread(each)]


def by_property(record: Resource) -> dict[str, list[Any]]:
    """Show contributors by the property that schema.org has for their role."""
    roles = {"author": "author", "editor": "editor"}
    properties: dict[str, list[Any]] = {}
    for each in record.contributors:
        names = reread(each, each.kind)
        shown = properties.setdefault(roles.get(each.role, "unknown"), [])
        shown += [entry for name in names if (entry := (name, each.kind, each.id)) not in shown]
    return properties


def contributors_without_publishers(record: Resource, back: Resource) -> bool:
    def view(resource: Resource) -> list[Any]:
        return [
            (name, each.kind, each.role, each.id)
            for each in resource.contributors
            if each.role != "publisher"
            for name in reread(each, each.kind)
        ]

    return view(record) == view(back)


def publishers_and_contributors(record: Resource, back: Resource) -> bool:
    names = {each.name for each in record.contributors if each.role == "publisher"}
    return {*record.publishers, *names} == set(back.publishers)


def relations(kinds: Mapping[str, str], rest: str | None = None) -> Same:
    """Compare relations of these kinds; others come back as `rest`, or not at all."""

    def view(record: Resource) -> list[tuple[str, str]]:
        shown = [(kinds.get(_kind(each), rest), each.target) for each in record.relations]
        return sorted({(kind, target) for kind, target in shown if kind is not None})

    return same(view)


SCHEMA_ORG_KINDS = dict.fromkeys(("istranslationof", "hastranslation"), "translation") | {
    kind: kind for kind in ("ispartof", "haspart", "isbasedon", "references")
}


def relations_with_addresses(record: Resource, back: Resource) -> bool:
    """Compare relations; a whole or a part needs an address."""
    told = tuple(
        each for each in record.relations if each.kind not in {"ispartof", "haspart"} or is_address(each.target)
    )
    return relations(SCHEMA_ORG_KINDS)(replace(record, relations=told), back)


def _kind(relation: Any) -> str:
    named = {
        ("isversionof", "translation"): "istranslationof",
        ("hasversion", "translation"): "hastranslation",
        ("hasversion", "edition"): "hasedition",
    }
    return named.get((relation.kind, relation.variant), relation.kind)


def told_contexts(record: Resource, back: Resource) -> bool:
    return [each for each in record.contexts if lookup("level", each) is None] == list(back.contexts)


def told_levels(record: Resource, back: Resource) -> bool:
    return set(record.levels) == set(back.levels)


# ------------------------------------------------------------------ MARC 21


def isbd(texts: Iterable[str]) -> set[str]:
    return {without_isbd(squeezed(text)).strip() for text in texts} - {""}


def marc_names(record: Resource) -> set[Any]:
    return {
        (tuple(map(without_isbd, reread(each))), each.role, each.id)
        for each in record.contributors
        if each.role != "publisher"
    }


def marc_publishers(record: Resource, back: Resource) -> bool:
    names = {each.name for each in record.contributors if each.role == "publisher"}
    return isbd({*record.publishers, *names}) == isbd(back.publishers)


def marc_title_texts(record: Resource, back: Resource) -> bool:
    parts = {part for text in title_texts(record) for part in re.split(r"\s=\s", text)}
    return isbd(parts) == isbd(title_texts(back))


def marc_licenses(record: Resource, back: Resource) -> bool:
    def view(each: Resource) -> Any:
        return each.license and (each.license.uri, each.license.label, each.license.open)

    return bool(view(record) == view(back))


def marc_relations(record: Resource, back: Resource) -> bool:
    kinds = {"ispartof", "haspart", "hasformat", "references", "istranslationof", "hastranslation", "hasedition"}

    def view(resource: Resource) -> set[tuple[str, str]]:
        return {
            (_kind(each), without_isbd(squeezed(each.target))) for each in resource.relations if _kind(each) in kinds
        }

    return view(record) == view(back)


def marc_types(record: Resource, back: Resource) -> bool:
    codes = [each.code for each in record.resource_types]
    return not codes or codes == [each.code for each in back.resource_types]


def told_languages(record: Resource, back: Resource) -> bool:
    """Compare the languages; of a record that has none, descriptions that MARC gives without theirs may tell one."""
    if not record.languages:
        return all(each.origin == "detected" for each in back.languages)
    return [each.tag for each in record.languages] == [each.tag for each in back.languages]


def two_letter_languages(record: Resource, back: Resource) -> bool:
    """Compare the languages that have two letters; without any the texts tell one."""
    told = dict.fromkeys(tag for each in record.languages if len(tag := each.tag.partition("-")[0]) == 2)
    return not told or list(told) == [each.tag for each in back.languages]


def license_view(record: Resource) -> Any:
    return record.license and replace(record.license, origin="record")


EVERYWHERE: dict[str, Same] = {
    "title": titles,
    "description": descriptions,
    "alternative_titles": alternative_titles,
    "keywords": keywords,
    "subjects": all_subjects,
    "languages": same(lambda record: [language.tag for language in record.languages]),
    "resource_types": same(lambda record: [concept.code for concept in record.resource_types]),
    "license": same(license_view),
    "url": address,
}
FIELDS: dict[str, dict[str, Same]] = {
    "oai_dc": {
        "alternative_titles": of_titled_languages,
        "contributors": same(named_authors),
        "identifiers": identifiers_and_addresses,
        "links": same(content_addresses),
        "keywords": keywords_and_labels(squeezed),
        "subjects": listed_subjects,
        "relations": relations({"isbasedon": "isbasedon"}, "references"),
    },
    "lom": {
        "alternative_titles": of_titled_languages,
        "contributors": contributors_without_publishers,
        "publishers": publishers_and_contributors,
        "issued": plain_date("issued"),
        "issued_year": lambda record, back: back.issued is None or record.issued_year == back.issued_year,
        "modified": plain_date("modified"),
        "links": links_and_roles,
    },
    "lrmi": {
        "contributors": same(by_property),
        "contexts": told_contexts,
        "issued": plain_date("issued"),
        "issued_year": lambda record, back: back.issued is None or record.issued_year == back.issued_year,
        "modified": plain_date("modified"),
        "formats": formats_and_links,
        "links": links_with_types,
        "coverage": same(lambda record: sorted(text.text for text in record.coverage)),
        "subjects": subjects_without_codes,
        "relations": relations(SCHEMA_ORG_KINDS),
    },
    "marcxml": {
        "languages": told_languages,
        "title": marc_title_texts,
        "alternative_titles": marc_title_texts,
        "description": same(lambda record: set(" ".join(record.description.values()).split())),
        "identifiers": same(lambda record: set(record.identifiers)),
        "contributors": same(marc_names),
        "publishers": marc_publishers,
        "keywords": keywords_and_labels(lambda text: without_isbd(squeezed(text))),
        "subjects": listed_subjects,
        "resource_types": marc_types,
        "coverage": same(lambda record: isbd(text.text for text in record.coverage)),
        "formats": formats_and_links,
        "links": same(content_addresses),
        "relations": marc_relations,
        "license": marc_licenses,
    },
}
FIELDS["amb"] = FIELDS["lrmi"] | {
    "title": lambda record, back: {*record.title.values()} <= title_texts(back) and len(back.title) <= 1,
    "alternative_titles": same(title_texts),
    "description": lambda record, back: {*back.description.values()} <= {*record.description.values()},
    "keywords": same(single_keywords),
    "links": links_with_one_preview,
    "relations": relations_with_addresses,
    "languages": two_letter_languages,
    "identifiers": identifiers_and_addresses,
    "issued": plain_date("issued", r"\d{4}-\d\d-\d\d"),
    "modified": plain_date("modified", r"\d{4}-\d\d-\d\d"),
    "audiences": same(
        lambda record: [each for each in record.audiences if each not in {"author", "librarian", "counsellor", "other"}]
    ),
    "levels": told_levels,
}


def export_and_read(name: str, resources: Iterable[Resource], *, in_oai: bool = False) -> list[Resource | str]:
    """Return each resource as our crosswalk reads it from the export; a rejection's reason in place of a resource."""
    export = EXPORTS[name]
    assert export.crosswalk is not None
    render = export.oai.render if in_oai and export.oai else export.render
    exported = [
        SourceRecord(
            feed=FEED.name,
            identifier=str(number),
            format=export.crosswalk,
            payload=render(Published(id=f"{number:026}", record=resource, visible_at="2026-03-01T02:15:00Z")),
            harvested_at="2026-03-01T02:15:00Z",
        )
        for number, resource in enumerate(resources)
    ]
    return [each.resource or str(each.rejection) for each in transform_all(exported, FEED)]


def differences(name: str, record: Resource, back: Resource | str) -> list[str]:
    """Return the fields in which a resource did not come back as the format promises."""
    if isinstance(back, str):
        return [back]
    whole = {field for field in EXPORTS[name].cannot_carry if field in Resource.__struct_fields__}
    compared = EVERYWHERE | FIELDS[name]
    fields = [
        field
        for field in Resource.__struct_fields__
        if field not in OURS and (field in FIELDS[name] or field not in whole)
    ]
    return [field for field in fields if not compared.get(field, same(attrgetter(field)))(record, back)]


def lost(name: str, resources: list[Resource], *, in_oai: bool = False) -> dict[str, list[str]]:
    """Return the resources that did not come back as promised, with the fields that differ."""
    backs = export_and_read(name, resources, in_oai=in_oai)
    told = {record.key: differences(name, record, back) for record, back in zip(resources, backs, strict=True)}
    return {key: fields for key, fields in told.items() if fields}


def goldens() -> list[Resource]:
    texts = (path.read_bytes() for path in sorted((ROOT / "tests" / "fixtures").glob("*/*.golden.json")))
    resources = (msgspec.json.decode(text, type=Resource | None) for text in texts)
    return [resource for resource in resources if resource is not None]


def stored(*folders: Path) -> list[Resource]:
    """Return the resource of every stored record, of equal ones the first."""
    unique = {(each.format, each.payload): each for folder in folders if folder.is_dir() for each in records(folder)}
    return [each.resource for each in transform_all(unique.values(), FEED) if each.resource is not None]


@pytest.fixture(scope="module")
def samples() -> list[Resource]:
    """The resources of the exports' and every format's fixtures, and of the sample feeds."""
    made = [msgspec.json.decode(path.read_bytes(), type=Published).record for path in exported_resources()]
    return made + goldens() + stored(ROOT / "samples")


@pytest.fixture(scope="module")
def real() -> list[Resource]:
    """The resources of what partners really send."""
    if not SHARED.is_dir():
        pytest.skip("../shared is not here")
    return stored(SHARED / "corpora", SHARED / "partners")


@pytest.mark.parametrize("name", READ_BACK)
def test_a_sample_comes_back_from_every_format_with_all_that_it_carries(name: str, samples: list[Resource]) -> None:
    assert len(samples) > 200
    assert lost(name, samples) == {}


@pytest.mark.slow
@pytest.mark.parametrize("name", READ_BACK)
def test_a_real_record_comes_back_from_every_format_with_all_that_it_carries(name: str, real: list[Resource]) -> None:
    assert len(real) > 1_000
    assert lost(name, real) == {}


def test_lrmi_comes_back_from_its_xml_for_oai_pmh_as_well(samples: list[Resource]) -> None:
    assert lost("lrmi", samples, in_oai=True) == {}


@pytest.mark.parametrize("name", READ_BACK)
def test_nothing_is_declared_lost_that_comes_back(name: str, samples: list[Resource]) -> None:
    """A field that is declared lost as a whole, with no rule for a part of it, really is: no sample brings it back."""
    whole = {field for field in EXPORTS[name].cannot_carry if field in Resource.__struct_fields__} - FIELDS[name].keys()
    filled = [each for each in samples if any(getattr(each, field) for field in whole)]
    backs = [back for back in export_and_read(name, filled) if isinstance(back, Resource)]
    assert not {field for back in backs for field in whole if getattr(back, field)}
    assert filled or not whole


def test_a_loss_that_nobody_declared_is_seen() -> None:
    record = Resource(key="a:1", title={"en": "A title"}, publishers=("A Press",))
    assert differences("lom", record, replace(record, publishers=())) == ["publishers"]
    assert differences("oai_dc", record, replace(record, title={"en": "Another"})) == ["title"]
