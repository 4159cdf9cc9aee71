"""From a draft to the shared record: every field through its own module, with where it came from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from schemas import Contributor, Language, License, Resource, Text
from transforms.draft import Finding, Statement, mask_emails, strip_emails
from transforms.normalize.language import Detection, contradicts, detect, langmap, langmap_ahead
from transforms.normalize.language import tags as language
from transforms.normalize.license import contradictory, license_of
from transforms.normalize.people import contributor, publisher
from transforms.normalize.record.assembly import Assembly
from transforms.normalize.record.dates import when
from transforms.normalize.record.descriptions import joined, without_teaser
from transforms.normalize.record.places import identify, related
from transforms.normalize.record.terms import education
from transforms.normalize.text import html_remains, line, told
from transforms.normalize.vocabulary import lookup

_SURE = 0.9  # a detection that may contradict what a feed declares
_NO_LANGUAGE = frozenset({"*", "mul", "und", "zxx", "mis", "none", "x-none", "n/a", "other"})
_MOST = 1_000  # keywords of one record
_ENOUGH = 0.5  # a detection that may stand for a language nobody declared


def assemble(works: Sequence[Assembly]) -> list[tuple[Resource, tuple[Finding, ...]]]:
    """The shared record of each draft, and what was noticed on the way; each step is done for all before the next."""
    for work in works:
        work.plain = {field: _plain(work, field) for field in ("title", "description")}
    langmap_ahead(said for work in works for said in work.plain.values())
    for step in _STEPS:
        for work in works:
            work.fields.update(step(work))
    return [(Resource(key=work.key, **work.fields), tuple(work.findings)) for work in works]


def _title(work: Assembly) -> dict[str, Any]:
    title, work.further_titles = _texts(work, "title")
    return {"title": title}


def _description(work: Assembly) -> dict[str, Any]:
    return {"description": joined(work, *_texts(work, "description"))}


def _when(work: Assembly) -> dict[str, Any]:
    languages = work.fields["languages"]
    return when(work, languages[0].tag if languages else None, work.today)


def _told(work: Assembly) -> dict[str, Any]:
    """What the other steps gathered."""
    return {"terms": work.terms(), "provenance": work.origins(), "unmapped": tuple(work.unmapped)}


def _plain(work: Assembly, field: str) -> list[tuple[str, str | None]]:
    """The texts of a field without markup, each once, with the language that they were said to be in."""
    kept: list[tuple[str, str | None]] = []
    seen = set()
    for said in work.draft.get(field):
        plain, repaired = told(said.value)
        plain = mask_emails(plain)
        plain = " ".join(plain.split()) if field == "title" else without_teaser(plain)
        if repaired:
            work.find("mojibake_repaired", field, said.value)
        if not plain:
            work.leave(said)
            continue
        if html_remains(plain):
            work.find("html_remains", field, plain)
        work.made(field, said.path, f"{field}, plain text by language")
        if (plain, said.language) not in seen:
            seen.add((plain, said.language))
            kept.append((plain, said.language))
    return kept


def _texts(work: Assembly, field: str) -> tuple[dict[str, str], tuple[Text, ...]]:
    """The texts of a field by language, and the further ones of one language."""
    found = langmap(work.plain[field])
    for _, declared, detected, confidence in found.contradictions:
        work.find("language_contradicted", f"{field}.{declared}", f"{declared} declared, {detected} {confidence:.2f}")
    if "und" in found.by_language:
        work.find("language_undetermined", f"{field}.und", found.by_language["und"])
    return dict(found.by_language), tuple(
        one for one in found.further if found.by_language.get(one.language) != one.text
    )


def _alternatives(work: Assembly) -> dict[str, Any]:
    title, further = work.fields["title"], work.further_titles
    found = dict.fromkeys(further)
    for said in work.draft.get("alternative_titles"):
        plain = mask_emails(line(said.value))
        if not plain:
            work.leave(said)
            continue
        tag = langmap(((plain, said.language),)).tags[0]
        work.made("alternative_titles", said.path, "alternative title")
        if title.get(tag) != plain:
            found[Text(language=tag, text=plain)] = None
    if further:
        for path in [said.path for said in work.draft.get("title")][1:]:
            work.made("alternative_titles", path, "further title of one language")
    return {"alternative_titles": tuple(found)}


def _tag(said: Statement) -> str:
    return (language.tag(said.language) if said.language else None) or "und"


def _keywords(work: Assembly) -> dict[str, Any]:
    found: dict[Text, None] = {}
    for said in work.draft.get("keywords"):
        plain = mask_emails(line(said.value))
        words = [word for piece in plain.split(";") if (word := piece.strip())]
        if not words or len(found) + len(words) > _MOST:
            work.leave(said)
            continue
        tag = _tag(said)
        for word in words:
            found[Text(language=tag, text=word)] = None
        work.made("keywords", said.path, "keyword" if len(words) == 1 else "keywords parted by semicolons")
    return {"keywords": tuple(found)}


def _coverage(work: Assembly) -> dict[str, Any]:
    found: dict[Text, None] = {}
    for said in work.draft.get("coverage"):
        plain = mask_emails(line(said.value))
        if plain:
            found[Text(language=_tag(said), text=plain)] = None
            work.made("coverage", said.path, "text")
        else:
            work.leave(said)
    return {"coverage": tuple(found)}


def _languages(work: Assembly) -> dict[str, Any]:
    """Declared ones; else the feed's default, marked as such in provenance; else what the texts are written in."""
    found: dict[str, None] = {}
    for said in work.draft.get("languages"):
        tags = language.tags(said.value)
        for tag in tags:
            found[tag] = None
            work.made("languages", said.path, "declared")
        if tags or said.value.strip().lower() not in _NO_LANGUAGE:
            work.term("language", said.value, " ".join(tags) or None)
        else:
            work.leave(said)
    if found:
        return {"languages": tuple(Language(tag=tag, origin="declared", confidence=1.0) for tag in found)}
    return {"languages": _undeclared(work)}


def _undeclared(work: Assembly) -> tuple[Language, ...]:
    feed, title, description = work.feed, work.fields["title"], work.fields["description"]
    said_there = next(iter(title.values()), ""), next(iter(description.values()), "")
    seen = _seen(*said_there)
    default = language.tag(feed.default_language) if feed.default_language else None
    if default is not None:
        if seen.confidence >= _SURE and contradicts(default, seen, sum(map(len, said_there))):
            work.find("language_contradicted", "languages", f"{default} by default, {seen.tag} {seen.confidence:.2f}")
        work.made("languages", "feed.default_language", "the feed's default")
        return (Language(tag=default, origin="declared", confidence=1.0),)
    if seen.tag == "und" or seen.confidence < _ENOUGH:
        return ()
    for said in (*work.draft.get("title")[:1], *work.draft.get("description")[:1]):
        work.made("languages", said.path, "detected")
    return (Language(tag=seen.tag, origin="detected", confidence=round(seen.confidence, 2)),)


def _seen(title: str, description: str) -> Detection:
    """What the title or the description is written in, whichever is surer; both together where neither tells."""
    surest = max(detect(title), detect(description), key=lambda one: one.confidence)
    return surest if surest.confidence >= _ENOUGH else detect(f"{title}\n{description}".strip())


def _people(work: Assembly) -> dict[str, Any]:
    contributors: dict[Contributor, None] = {}
    for said in work.draft.get("contributors"):
        role, kind, id_ = [*(said.hint or "unknown").split("|"), "", ""][:3]
        name = strip_emails(line(said.value))
        code = _role(work, role)
        people_ = contributor(name, code, kind or None, id_ or None) if name else ()
        if not people_:
            work.leave(said)
        for one in people_:
            contributors[one] = None
            work.made("contributors", said.path, f"contributor as {code}")
    publishers: dict[str, None] = {}
    for said in work.draft.get("publishers"):
        name = publisher(strip_emails(line(said.value)))
        if name:
            publishers[name] = None
            work.made("publishers", said.path, "publisher")
        else:
            work.leave(said)
    return {"contributors": tuple(contributors), "publishers": tuple(publishers)}


def _role(work: Assembly, role: str) -> str:
    if role in {"author", "unknown"}:
        return role
    found = lookup("role", role)
    work.term("role", role, None if found is None else found.code)
    return "unknown" if found is None else found.code


def _license(work: Assembly) -> dict[str, Any]:
    return {"license": _licensed(work)}


def _licensed(work: Assembly) -> License | None:
    said = work.draft.get("license")
    statements = [mask_emails(one.value) for one in said]
    found = license_of(statements, work.feed.default_license)
    if found is None:
        for one in said:
            work.leave(one)
        return None
    if found.origin == "feed_default":
        work.made("license", "feed.default_license", "the feed's default")
        for one in said:
            work.leave(one)
        return found
    for one in said:
        work.made("license", one.path, "licence statement")
    if found.uri is None and found.label is None:
        work.find("license_unknown", "license.statement", found.statement)
    if contradictory(statements):
        work.find("license_contradictory", "license.statement", " / ".join(statements))
    return found


_STEPS: tuple[Callable[[Assembly], dict[str, Any]], ...] = (  # a later one may read what earlier ones made
    _title,
    _description,
    _languages,
    identify,
    related,
    education,
    _people,
    _when,
    _alternatives,
    _keywords,
    _license,
    _coverage,
    _told,
)
