"""Records of an XML answer that is not OAI-PMH: each element exactly as sent, and the few values that name it."""

from __future__ import annotations

from hashlib import sha256

from lxml import etree

from harvesters.causes import failed, unreadable_response
from harvesters.lists.json_records import nameless
from harvesters.strict_xml import EntitiesDeclared, InvalidXml, parse_xml, remove_forbidden_characters
from schemas import Feed, RawResponse, Skipped, SourceRecord


def elements(root: etree._Element, path: str) -> list[bytes]:
    """The text of every element that lies at a path of names with dots, namespaces apart; none is an empty list."""
    found = [root]
    for name in path.split(".") if path else ():
        found = [child for parent in found for child in parent if _local(child) == name]
    return [etree.tostring(one, encoding="UTF-8", xml_declaration=False, with_tail=False) for one in found]


def value_at(root: etree._Element, path: str) -> str | None:
    """The attribute or the text at a path of names with dots, namespaces apart; None when there is none."""
    *parents, last = path.split(".")
    for name in parents:
        following = next((child for child in root if _local(child) == name), None)
        if following is None:
            return None
        root = following
    said = root.get(last) or next((child.text for child in root if _local(child) == last), None)
    return said.strip() or None if said else None


def source_records(
    texts: list[bytes], feed: Feed, now: str, url: str
) -> tuple[list[SourceRecord], tuple[Skipped, ...], tuple[RawResponse, ...]]:
    """Every element as a record; what is skipped keeps its text."""
    records: list[SourceRecord] = []
    skipped: list[Skipped] = []
    raw: list[RawResponse] = []
    for text in texts:
        element = parse_xml(text)
        parts = [value_at(element, path) for path in feed.identifier]
        if not all(parts):
            reason = nameless(feed)
            skipped.append(Skipped(identifier=None, reason=reason))
            raw.append(RawResponse(url=url, body=text, reason=reason))
            continue
        stamp = feed.request.datestamp_path
        records.append(
            SourceRecord(
                feed=feed.name,
                identifier="|".join(part for part in parts if part),
                format=feed.format,
                datestamp=value_at(element, stamp) if stamp else None,
                payload=text.decode(),
                sha256=sha256(text).hexdigest(),
                harvested_at=now,
            )
        )
    return records, tuple(skipped), tuple(raw)


def root_of(body: bytes, url: str) -> tuple[etree._Element, list[str]]:
    """The root of an XML answer, and what had to be done to read it. Raises RequestFailed("malformed")."""
    try:
        return parse_xml(body), []
    except EntitiesDeclared as error:
        raise failed("malformed", f"{url}: {error}") from error
    except InvalidXml as error:
        reason = str(error)
    clean = remove_forbidden_characters(body)
    try:
        return parse_xml(clean), ["characters that XML forbids were taken out of an answer"]
    except InvalidXml as error:
        what = f"{url} sends what is neither JSON nor XML ({reason})"
        raise unreadable_response("malformed", what, url, body) from error


def _local(element: etree._Element) -> str:
    return etree.QName(element).localname if isinstance(element.tag, str) else ""
