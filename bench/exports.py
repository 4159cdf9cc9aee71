"""Measure the exports on one process: python -m bench.exports [RECORDS].

Of each format the records per second of processor time, with the decoding of the record from the catalog's JSON. Beside
them, in the same run, what lxml takes to build and serialize the elements of the same oai_dc when it is handed their
names, texts and languages, which the export has to work out of the record. Both documents are compared first.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from statistics import median

import msgspec
from lxml import etree

from bench.transform import lom
from samples import generated
from schemas import Feed, Published, SourceRecord, decode_record
from transforms import transform_all
from transforms.exports import EXPORTS

_RECORDS = 3_000
_ROUNDS = 5  # of which the median is printed
_FEED = Feed(name="bench", title="Bench", partner="Bench", protocol="files", url="bench")
_XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"
_XSI = "http://www.w3.org/2001/XMLSchema-instance"
_DC = "http://purl.org/dc/elements/1.1/"


def main(count: int = _RECORDS) -> None:
    """Print a line per format."""
    records = _encoded_records(count)
    size = sum(map(len, records)) / len(records)
    print(f"{len(records)} records of {size:.0f} bytes of JSON; decoded and rendered, on one process")
    for name, export in EXPORTS.items():
        _show(name, _rate(records, export.render, whole=export.whole))
    _check_same(records)
    _show("lxml, the same oai_dc", _rate(records, _by_lxml))


def _encoded_records(count: int) -> list[bytes]:
    """Return the records as the catalog keeps them: of generated LOM, with subjects, people, links and a licence."""
    sources = (
        SourceRecord(feed="bench", identifier=generated.identifier(number), format="lom", payload=lom(number))
        for number in range(count)
    )
    return [msgspec.json.encode(each.resource) for each in transform_all(sources, _FEED) if each.resource]


def _published(record: bytes, *, whole: bool = False) -> Published:
    decoded = decode_record(record, whole=whole)
    return Published(id="01J8Z3K4M5N6P7Q8R9S0T1V2W3", record=decoded, visible_at="2026-03-01T02:15:00Z")


def _rate(records: list[bytes], render: Callable[[Published], str], *, whole: bool = False) -> float:
    """Return the records per second of the median round."""
    seconds = []
    for _ in range(_ROUNDS):
        started = time.process_time()
        for record in records:
            render(_published(record, whole=whole))
        seconds.append(time.process_time() - started)
    return len(records) / median(seconds)


def _by_lxml(published: Published) -> str:
    """Build the elements that the export writes, one by one, and serialize them."""
    export = EXPORTS["oai_dc"]
    parsed = _LINES[published.record.key]
    assert export.oai is not None
    root = etree.Element(
        f"{{{export.oai.namespace}}}dc", nsmap={"oai_dc": export.oai.namespace, "dc": _DC, "xsi": _XSI}
    )
    root.set(f"{{{_XSI}}}schemaLocation", f"{export.oai.namespace} {export.oai.schema}")
    for name, text, language in parsed:
        if name is None:
            root.append(etree.Comment(text))
            continue
        element = etree.SubElement(root, name)
        element.text = text
        if language:
            element.set(_XML_LANG, language)
    return etree.tostring(root, encoding="unicode")


_LINES: dict[str, list[tuple[str | None, str, str | None]]] = {}  # by key, what lxml is to build


def _check_same(records: list[bytes]) -> None:
    """Note what lxml is to build, and check that it builds the same document as the export."""
    for record in records:
        published = _published(record)
        text = EXPORTS["oai_dc"].render(published)
        tree = etree.fromstring(text.encode())
        _LINES[published.record.key] = [
            (str(element.tag) if isinstance(element.tag, str) else None, element.text or "", element.get(_XML_LANG))
            for element in tree
        ]
        built = etree.fromstring(_by_lxml(published).encode())
        if [(e.tag, e.text, dict(e.attrib)) for e in built] != [(e.tag, e.text, dict(e.attrib)) for e in tree]:
            raise SystemExit(f"{published.record.key}: lxml builds another document than the export")


def _show(name: str, rate: float) -> None:
    print(f"{name:24} {rate:8.0f} records/s")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:2]))
