"""Records of an XML response that is not OAI-PMH: each element exactly as sent, and the few values that identify it.

A path is names with dots between them, without namespaces.
"""

from __future__ import annotations

from lxml import etree

from harvesters.causes import failed, unreadable_response
from harvesters.lists.json_records import nameless_reason
from harvesters.records import Result, build_record, unreadable
from harvesters.strict_xml import EntitiesDeclared, InvalidXml, parse_xml, remove_forbidden_characters
from schemas import Feed

_ERRORS = frozenset({"error", "errors", "exception", "fault", "err"})  # local names, in small letters
_OTHER_DOCUMENTS = _ERRORS | {"html", "exceptionreport", "serviceexceptionreport", "problem"}
_MAX_TEXT_CHARS = 300
_MAX_NAMES = 10


def parse_response(body: bytes, url: str) -> tuple[etree._Element, list[str]]:
    """Return the root of an XML response, and notes on how it was read. Raises HarvestFailed("malformed")."""
    try:
        return parse_xml(body), []
    except EntitiesDeclared as error:
        raise failed("malformed", f"{url}: {error}") from error
    except InvalidXml as error:
        reason = str(error)
    try:
        root = parse_xml(remove_forbidden_characters(body))
    except InvalidXml as error:
        raise unreadable_response(
            "malformed", f"{url} is neither valid JSON nor valid XML ({reason})", url, body
        ) from error
    return root, ["characters that XML forbids were removed from a response"]


def elements(root: etree._Element, path: str) -> list[bytes]:
    """Return the text of every element at a path; none is an empty list."""
    matching = _at(root, path)
    return [etree.tostring(element, encoding="UTF-8", xml_declaration=False, with_tail=False) for element in matching]


def _at(root: etree._Element, path: str) -> list[etree._Element]:
    matching = [root]
    for name in path.split(".") if path else ():
        matching = [child for parent in matching for child in parent if _local_name(child) == name]
    return matching


def problem_of(root: etree._Element, path: str, *, first: bool) -> str:
    """Return why a document without an element at a path is no empty list; empty if it may be one.

    An error or a web page is none; on the `first` page neither is a document without the elements around the list.
    """
    name, children = _local_name(root), [_local_name(child) for child in root]
    if name.lower() in _OTHER_DOCUMENTS or not _ERRORS.isdisjoint(map(str.lower, children)):
        text = " ".join("".join(map(str, root.itertext())).split())[:_MAX_TEXT_CHARS]
        return f"answers with <{name}> and no record: {text}"
    outer = path.rpartition(".")[0]
    if not first or not (_says_something(root) or (outer and not _at(root, outer))):
        return ""
    inner = ", ".join(f"<{child}>" for child in sorted(set(filter(None, children)))[:_MAX_NAMES])
    return f"has nothing at records_path {path!r}; its root <{name}> holds {inner or 'no element'}"


def _says_something(root: etree._Element) -> bool:
    """Return whether a document is a text, and no list."""
    return len(root) == 0 and bool((root.text or "").strip())


def value_at(root: etree._Element, path: str) -> str | None:
    """Return the attribute or the text at a path, None if there is none."""
    *parents, last = path.split(".")
    for name in parents:
        child = next((child for child in root if _local_name(child) == name), None)
        if child is None:
            return None
        root = child
    value = root.get(last) or next((child.text for child in root if _local_name(child) == last), None)
    return value.strip() or None if value else None


def source_record(text: bytes, feed: Feed, url: str) -> Result:
    """Return an element as a record with its own text as payload; `url` is where it comes from."""
    element = parse_xml(text)
    parts = [value_at(element, path) for path in feed.identifier]
    if not all(parts):
        return unreadable(None, nameless_reason(feed), url, text)
    stamp = feed.request.datestamp_path
    identifier = "|".join(part for part in parts if part)
    return build_record(feed, identifier, text, datestamp=value_at(element, stamp) if stamp else None)


def _local_name(element: etree._Element) -> str:
    return etree.QName(element).localname if isinstance(element.tag, str) else ""
