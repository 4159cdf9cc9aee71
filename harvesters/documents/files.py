"""A folder or a zip of files: LOM XML, IMS manifests, JSON. Nothing is unpacked to disk, so no name can lead astray.

The url is an http or https address of a zip, or inbox:NAME for a zip or folder below ELIB_HOME/inbox.
"""

from __future__ import annotations

import io
import lzma
import zipfile
import zlib
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path, PurePosixPath

import msgspec
from lxml import etree

from harvesters.causes import failed
from harvesters.client import Client
from harvesters.documents.document import Broken, Read, now, pages
from harvesters.lists import NotJson, elements, server_date, source_record
from harvesters.strict_xml import InvalidXml, parse_xml
from harvesters.web_pages import html_cause
from schemas import Ask, Environment, Feed, HarvestFailed, Page, RawResponse, Skipped, SourceRecord

_Report = Callable[[int, int | None], None]
_INBOX = "inbox:"
_TOTAL = 32  # times [request] max_bytes: what all files of one zip may unpack to
_ROOTS = {"lom": "lom", "manifest": "imscp"}  # root element → format, where the feed file names none of its own
# What zipfile raises of the list of a zip: damaged; RuntimeError when of a later version; with names in no encoding
_NO_ZIP = (zipfile.BadZipFile, RuntimeError, UnicodeDecodeError)
# Of a member: RuntimeError when it is encrypted or its compression unknown, OSError for bz2
_UNPACKABLE = (zipfile.BadZipFile, RuntimeError, EOFError, OSError, ValueError, zlib.error, lzma.LZMAError)
_MEMBER = b"PK\x03\x04"  # how a zip with anything in it begins
_PACKAGES = (".zip", ".imscc")


def harvest(feed: Feed, ask: Ask, env: Environment, report: _Report) -> Iterator[Page]:
    """One record a file, one an element of a JSON list; the files are the whole list."""
    with Client(feed, ask, env) as client:
        if feed.url.startswith(_INBOX):
            found, date = _inbox(feed, env), None
        else:
            reply = client.send(feed.url, params=feed.request.params, conditional=True)
            if reply.status == 304:
                yield Page(complete=True, not_modified=True, validators=ask.validators)
                return
            found, date = _zip(feed, io.BytesIO(reply.body), reply.body), server_date(reply)
        read = (record for name, body in found for record in _records(feed, name, body))
        yield from pages(read, feed, ask, client, report, date, whole=True)


def _inbox(feed: Feed, env: Environment) -> Iterator[tuple[str, bytes | Broken]]:
    """The files of a folder or zip below the inbox, in name order. A link that leads out of it is refused."""
    root = (env.home / "inbox").resolve()
    place = (root / feed.url.removeprefix(_INBOX)).resolve()
    if not place.is_relative_to(root):
        raise failed("forbidden_address", f"{feed.url} leads out of {_INBOX}")
    if place.is_file():
        return _zip(feed, place, place.read_bytes()[:512])
    if not place.is_dir():
        raise failed("gone", f"{feed.url}: there is no such file or folder in ELIB_HOME/inbox")
    return _folder(feed, place)


def _folder(feed: Feed, place: Path) -> Iterator[tuple[str, bytes | Broken]]:
    for path in sorted(place.rglob("*")):
        if not path.is_file():
            continue
        if not path.resolve().is_relative_to(place):
            raise failed("forbidden_address", f"{path.name} is a link that leads out of {feed.url}")
        if path.stat().st_size > feed.request.max_bytes:
            raise failed("too_large", f"{path.name} has more than {feed.request.max_bytes} bytes")
        yield path.relative_to(place).as_posix(), path.read_bytes()


def _zip(feed: Feed, place: Path | io.BytesIO, start: bytes) -> Iterator[tuple[str, bytes | Broken]]:
    """The files of a zip in name order, each read up to the feed's limit whatever the zip says of its size."""
    limit, total = feed.request.max_bytes, 0
    try:
        archive = zipfile.ZipFile(place)
    except _NO_ZIP as error:
        cause, what = html_cause(start, "malformed" if start[:4] == _MEMBER else "bad_format")
        raise failed(cause, f"{feed.url} is {what or 'no whole zip'} ({error})") from error
    with archive:
        entries = sorted((one for one in archive.infolist() if not one.is_dir()), key=lambda one: one.filename)
        if len(entries) > feed.request.max_pages:
            raise failed("too_large", f"{feed.url} holds more than {feed.request.max_pages} files")
        for entry in entries:
            name = entry.filename
            try:
                with archive.open(entry) as member:
                    body = member.read(limit + 1)
            except _UNPACKABLE as error:
                yield PurePosixPath(name).as_posix(), _unpackable(feed, name, error)
                continue
            total += len(body)
            if len(body) > limit or total > _TOTAL * limit:
                raise failed("too_large", f"{feed.url} unpacks to more than the feed allows, at {name}")
            yield PurePosixPath(name).as_posix(), body


def _unpackable(feed: Feed, name: str, error: Exception) -> Broken:
    """A file that is damaged or encrypted; the others are read."""
    bare = not feed.identifier or PurePosixPath(name).suffix.lower() != ".json"  # its record bears the file's name
    return Broken(skipped=Skipped(identifier=name if bare else None, reason=f"{name} cannot be unpacked ({error})"))


def _records(feed: Feed, name: str, body: bytes | Broken) -> Iterator[Read]:
    """The records of one file; files that are neither XML, JSON nor a package are no records."""
    path = PurePosixPath(name)
    suffix = path.suffix.lower()
    if path.name.startswith("._") or suffix not in (".xml", ".json", *_PACKAGES):
        return  # ._name is what a Mac writes beside its files
    if isinstance(body, Broken):
        yield body
    elif suffix == ".xml":
        yield _document(feed, name, body)
    elif suffix == ".json":
        yield from _elements(feed, name, body)
    elif body[:2] == b"PK":
        yield from _package(feed, name, body)


def _package(feed: Feed, name: str, body: bytes) -> Iterator[Read]:
    """The manifest of a package inside the zip."""
    try:
        for inner, document in _zip(feed, io.BytesIO(body), body):
            if PurePosixPath(inner).name == "imsmanifest.xml":
                yield _document(feed, name, document) if isinstance(document, bytes) else document
    except HarvestFailed as error:
        if error.cause == "too_large":
            raise
        yield _unpackable(feed, name, error)


def _document(feed: Feed, name: str, body: bytes) -> Read:
    try:
        root = parse_xml(body)
    except InvalidXml as error:
        raw = RawResponse(url=name, body=body, reason=str(error))
        return Broken(skipped=Skipped(identifier=name, reason=f"not well-formed: {error}"), raw=raw)
    payload = etree.tostring(root, encoding="UTF-8", xml_declaration=False, with_tail=False)
    spoken = feed.format if feed.format and feed.format != "lom" else _ROOTS.get(etree.QName(root).localname, "lom")
    return SourceRecord(
        feed=feed.name,
        identifier=name,
        format=spoken,
        payload=payload.decode(),
        sha256=sha256(payload).hexdigest(),
        harvested_at=now(),
    )


def _elements(feed: Feed, name: str, body: bytes) -> Iterator[Read]:
    body = body.removeprefix(b"\xef\xbb\xbf").strip()
    try:
        path = feed.request.records_path
        texts = elements(body, path) if path or body[:1] == b"[" else [msgspec.Raw(body)]
        msgspec.json.decode(body)
    except (NotJson, HarvestFailed, msgspec.DecodeError) as error:
        raw = RawResponse(url=name, body=body, reason=str(error))
        unnamed = None if feed.identifier else name  # its records do not bear the file's name: any of them may be in it
        yield Broken(skipped=Skipped(identifier=unnamed, reason=f"{name} is not readable: {error}"), raw=raw)
        return
    for n, text in enumerate(texts):
        unnamed = (name if len(texts) == 1 else f"{name}#{n}") if not feed.identifier else None
        read = source_record(text, feed, now(), unnamed)
        if isinstance(read, SourceRecord):
            yield read
        else:
            yield Broken(skipped=read, raw=RawResponse(url=name, body=bytes(text), reason=read.reason))
