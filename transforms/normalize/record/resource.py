"""From a draft to the shared record: the steps in order, and the fields of texts, languages, people and licence."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from schemas import Contributor, Language, License, Resource, Text
from transforms.draft import WHOLE, Finding, Statement, mask_emails, strip_emails
from transforms.normalize.language import (
    Detection,
    contradicts,
    detect,
    detect_batch,
    hint_of,
    language_tag,
    language_tags,
    overrules,
    tag_texts,
    tag_words,
)
from transforms.normalize.license import contradictory, license_of
from transforms.normalize.people import read_contributors, read_publisher, role_phrase
from transforms.normalize.record.addresses import read_identifiers_and_addresses, read_relations
from transforms.normalize.record.assembly import Assembly
from transforms.normalize.record.dates import read_dates
from transforms.normalize.record.descriptions import join_descriptions, without_teaser
from transforms.normalize.record.lists import split_list
from transforms.normalize.record.terms import read_listed_fields
from transforms.normalize.text import html_remains, plain_line, plain_text_with_repair
from transforms.normalize.vocabulary import lookup

_NO_LANGUAGE = frozenset({"*", "mul", "und", "zxx", "mis", "none", "x-none", "n/a", "other"})
_MIN_CONFIDENCE = 0.5  # of a detection that counts where no language is declared
_MAX_KEYWORDS = 1_000
_BRACKETED_ROLE = re.compile(r"[(\[]([^()\[\]]{2,30})[)\]]\.?$")


def assemble(assemblies: Sequence[Assembly]) -> list[tuple[Resource, tuple[Finding, ...]]]:
    """Return the shared record and the findings of each draft; each step is done for all before the next."""
    for assembly in assemblies:
        assembly.default_languages = _default_languages(assembly)
        assembly.plain_texts = {field: _plain_texts(assembly, field) for field in ("title", "description")}
    _detect_languages(assemblies)
    for step in _STEPS:
        for assembly in assemblies:
            assembly.fields.update(step(assembly))
    return [(Resource(key=assembly.key, **assembly.fields), tuple(assembly.findings)) for assembly in assemblies]


def _detect_languages(assemblies: Sequence[Assembly]) -> None:
    """Detect the languages of all texts at once, which is remembered for the steps that read them one by one."""
    detect_batch(
        (text, (language_tag(declared) if declared else None) or hint_of(assembly.default_languages))
        for assembly in assemblies
        for texts in assembly.plain_texts.values()
        for text, declared in texts
    )


def _default_languages(assembly: Assembly) -> tuple[str, ...]:
    """Return the tags of the languages that the record declares, else of the feed's default."""
    declared = dict.fromkeys(tag for statement in assembly.draft.get("languages") for tag in _tags(assembly, statement))
    default = language_tag(assembly.feed.default_language or "") if not declared else None
    return (default,) if default else tuple(declared)


def _tags(assembly: Assembly, statement: Statement) -> tuple[str, ...]:
    """Return the tags of the languages that a statement names, as a steward mapped it or as it says."""
    mapped = assembly.mappings.find("language", statement.value)
    if mapped is not None:
        return (mapped.code,) if mapped.code else ()
    return language_tags(statement.value)


def _plain_texts(assembly: Assembly, field: str) -> list[tuple[str, str | None]]:
    """Return the texts of a field without markup, each once, with their declared languages."""
    texts: dict[tuple[str, str | None], None] = {}
    for statement in assembly.draft.get(field):
        text, repaired = plain_text_with_repair(statement.value)
        text = mask_emails(text)
        text = " ".join(text.split()) if field == "title" else without_teaser(text)
        if repaired:
            assembly.add_finding("mojibake_repaired", field, statement.value)
        if not text:
            assembly.leave_unmapped(statement)
            continue
        if html_remains(text):
            assembly.add_finding("html_remains", field, text)
        assembly.add_origin(field, statement.path, f"{field}, plain text by language")
        texts[text, statement.language] = None
    return list(texts)


def _title(assembly: Assembly) -> dict[str, Any]:
    title, assembly.further_titles = _by_language(assembly, "title")
    return {"title": title}


def _description(assembly: Assembly) -> dict[str, Any]:
    return {"description": join_descriptions(assembly, *_by_language(assembly, "description"))}


def _by_language(assembly: Assembly, field: str) -> tuple[dict[str, str], tuple[Text, ...]]:
    """Return the first text of a field in each language, and the further ones."""
    tagged = tag_texts(assembly.plain_texts[field], assembly.default_languages)
    for _, declared, detected, confidence in tagged.contradictions:
        value = f"{declared} declared, {detected} {confidence:.2f}"
        assembly.add_finding("language_contradicted", f"{field}.{declared}", value)
    if "und" in tagged.by_language:
        assembly.add_finding("language_undetermined", f"{field}.und", tagged.by_language["und"])
    further = tuple(text for text in tagged.further if tagged.by_language.get(text.language) != text.text)
    return dict(tagged.by_language), further


def _dates(assembly: Assembly) -> dict[str, Any]:
    languages = assembly.fields["languages"]
    return read_dates(assembly, languages[0].tag if languages else None, assembly.latest_day)


def _alternative_titles(assembly: Assembly) -> dict[str, Any]:
    title, further = assembly.fields["title"], assembly.further_titles
    alternatives = dict.fromkeys(further)
    for statement in assembly.draft.get("alternative_titles"):
        text = mask_emails(plain_line(statement.value))
        if not text:
            assembly.leave_unmapped(statement)
            continue
        tag = tag_texts([(text, statement.language)], assembly.default_languages, translated=True).tags[0]
        assembly.add_origin("alternative_titles", statement.path, "alternative title")
        if title.get(tag) != text:
            alternatives[Text(language=tag, text=text)] = None
    if further:
        for statement in assembly.draft.get("title")[1:]:
            assembly.add_origin("alternative_titles", statement.path, "further title of one language")
    return {"alternative_titles": tuple(alternatives)}


def _declared_tag(statement: Statement) -> str:
    return (language_tag(statement.language) if statement.language else None) or "und"


def _keywords(assembly: Assembly) -> dict[str, Any]:
    keywords: dict[Text, None] = {}
    for statement in assembly.draft.get("keywords"):
        text = mask_emails(plain_line(statement.value))
        words, separator = ([text] if text else [], "") if statement.hint == WHOLE else split_list(text)
        if not words or len(keywords) + len(words) > _MAX_KEYWORDS:
            assembly.leave_unmapped(statement)
            continue
        tags = tag_words(words, statement.language, assembly.default_languages)
        for tag, word in zip(tags, words, strict=True):
            keywords[Text(language=tag, text=word)] = None
        rule = "keyword" if len(words) == 1 else f"keywords parted by {separator}"
        assembly.add_origin("keywords", statement.path, rule)
    return {"keywords": tuple(keywords)}


def _coverage(assembly: Assembly) -> dict[str, Any]:
    coverage: dict[Text, None] = {}
    for statement in assembly.draft.get("coverage"):
        text = mask_emails(plain_line(statement.value))
        if text:
            coverage[Text(language=_declared_tag(statement), text=text)] = None
            assembly.add_origin("coverage", statement.path, "text")
        else:
            assembly.leave_unmapped(statement)
    return {"coverage": tuple(coverage)}


def _languages(assembly: Assembly) -> dict[str, Any]:
    """Read the declared languages; else the feed's default, noted as such in provenance; else detect one."""
    declared: dict[str, None] = {}
    for statement in assembly.draft.get("languages"):
        tags = _tags(assembly, statement)
        for tag in tags:
            declared[tag] = None
            assembly.add_origin("languages", statement.path, "declared")
        is_ignored = not tags and assembly.mappings.find("language", statement.value) is not None
        if tags or not (is_ignored or statement.value.strip().lower() in _NO_LANGUAGE):
            assembly.add_term("language", statement.value, " ".join(tags) or None)
        else:
            assembly.leave_unmapped(statement)
    if declared:
        return {"languages": tuple(Language(tag=tag, origin="declared", confidence=1.0) for tag in declared)}
    return {"languages": _undeclared_languages(assembly)}


def _undeclared_languages(assembly: Assembly) -> tuple[Language, ...]:
    feed = assembly.feed
    title = next(iter(assembly.fields["title"].values()), "")
    description = next(iter(assembly.fields["description"].values()), "")
    detection = _detect_record(title, description)
    default = language_tag(feed.default_language) if feed.default_language else None
    if default is not None:
        if overrules(detection, default, f"{title}\n{description}".strip()):
            value = f"{default} by default, {detection.tag} {detection.confidence:.2f}"
            assembly.add_finding("language_contradicted", "languages", value)
        assembly.add_origin("languages", "feed.default_language", "the feed's default")
        return (Language(tag=default, origin="declared", confidence=1.0),)
    if detection.tag == "und" or detection.confidence < _MIN_CONFIDENCE:
        return ()
    for statement in (*assembly.draft.get("title")[:1], *assembly.draft.get("description")[:1]):
        assembly.add_origin("languages", statement.path, "detected")
    tag = _declared_like(assembly, detection)
    return (Language(tag=tag, origin="detected", confidence=round(detection.confidence, 2)),)


def _declared_like(assembly: Assembly, detection: Detection) -> str:
    """Return the detected tag, or the tag that the detected text declares where the detection does not contradict it.

    Norwegian Bokmål is detected as Norwegian, and Faroese, which the models do not know, as Icelandic.
    """
    texts = (*assembly.plain_texts["title"][:1], *assembly.plain_texts["description"][:1])
    are_open = all(detect(text).tag == "und" for text, _ in texts)
    for text, declared in texts:
        tag = language_tag(declared) if declared else None
        if tag and (are_open or _is_likewise(text, tag, detection)):
            return detection.tag if detection.tag.startswith(tag) else tag
    return detection.tag


def _is_likewise(text: str, tag: str, detection: Detection) -> bool:
    """Return whether a detection is of this text, and does not contradict its declared tag."""
    return detect(text).tag == detection.tag and not contradicts(tag, detection, len(text))


def _detect_record(title: str, description: str) -> Detection:
    """Detect the language of the title or the description, whichever is surer; of both together when neither is."""
    surest = max(detect(title), detect(description), key=lambda detection: detection.confidence)
    return surest if surest.confidence >= _MIN_CONFIDENCE else detect(f"{title}\n{description}".strip())


def _people(assembly: Assembly) -> dict[str, Any]:
    return {"contributors": tuple(_contributors(assembly)), "publishers": tuple(_publishers(assembly))}


def _contributors(assembly: Assembly) -> dict[Contributor, None]:
    contributors: dict[Contributor, None] = {}
    for statement in assembly.draft.get("contributors"):
        role, kind, authority = [*(statement.hint or "unknown").split("|"), "", ""][:3]
        code = _role(assembly, role)
        named = [
            contributor
            for name in _names(statement.value)
            for contributor in read_contributors(name, _role_in(name) or code, kind or None, authority or None)
        ]
        if not named:
            assembly.leave_unmapped(statement)
        for contributor in named:
            contributors[contributor] = None
            assembly.add_origin("contributors", statement.path, f"contributor as {contributor.role}")
    return contributors


def _publishers(assembly: Assembly) -> dict[str, None]:
    publishers: dict[str, None] = {}
    for statement in assembly.draft.get("publishers"):
        name = read_publisher(strip_emails(plain_line(statement.value)))
        if name:
            publishers[name] = None
            assembly.add_origin("publishers", statement.path, "publisher")
        else:
            assembly.leave_unmapped(statement)
    return publishers


def _names(statement: str) -> list[str]:
    """Return a statement in one line; its parts where lines or roles in brackets tell several names apart."""
    lines = [line.strip() for line in statement.splitlines() if line.strip()]
    if len(lines) > 1 and all("," in line[:-1] and line[-1] != "," for line in lines):
        parts = lines
    else:
        parts = statement.split(";") if _BRACKETED_ROLE.search(statement.rstrip()) else [statement]
    return list(filter(None, (strip_emails(plain_line(part)) for part in parts)))


def _role_in(name: str) -> str | None:
    """Return the role that a name says in brackets at its end, or before it: "Jane Doe (translator)", "edited by"."""
    bracketed = _BRACKETED_ROLE.search(name)
    role = bracketed[1].rstrip(".") if bracketed else role_phrase(name)
    concept = lookup("role", role) if role and ";" not in name else None
    return None if concept is None else concept.code


def _role(assembly: Assembly, role: str) -> str:
    if role in {"author", "unknown"}:
        return role
    mapped = assembly.mappings.find("role", role)
    if mapped is not None:
        if mapped.code is not None:
            assembly.add_term("role", role, mapped.code)
        return mapped.code or "unknown"
    concept = lookup("role", role)
    assembly.add_term("role", role, None if concept is None else concept.code)
    return "unknown" if concept is None else concept.code


def _license(assembly: Assembly) -> dict[str, License | None]:
    statements = assembly.draft.get("license")
    texts = [mask_emails(statement.value) for statement in statements]
    license_ = license_of(texts, assembly.feed.default_license)
    if license_ is None or license_.origin == "feed_default":
        if license_ is not None:
            assembly.add_origin("license", "feed.default_license", "the feed's default")
        for statement in statements:
            assembly.leave_unmapped(statement)
        return {"license": license_}
    for statement in statements:
        assembly.add_origin("license", statement.path, "licence statement")
    if license_.uri is None and license_.label is None:
        assembly.add_finding("license_unknown", "license.statement", license_.statement)
    if contradictory(texts):
        assembly.add_finding("license_contradictory", "license.statement", " / ".join(texts))
    return {"license": license_}


def _gathered(assembly: Assembly) -> dict[str, Any]:
    return {"terms": assembly.terms(), "provenance": assembly.origins(), "unmapped": tuple(assembly.unmapped)}


# Each returns fields of the shared record; a later step may read what earlier ones returned.
_STEPS: tuple[Callable[[Assembly], dict[str, Any]], ...] = (
    _title,
    _description,
    _languages,
    read_identifiers_and_addresses,
    read_relations,
    read_listed_fields,
    _people,
    _dates,
    _alternative_titles,
    _keywords,
    _license,
    _coverage,
    _gathered,
)
