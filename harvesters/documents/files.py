"""A folder or an archive of files: LOM XML, IMS manifests, JSON.

Nothing is unpacked to disk, so that the names in an archive can write nothing outside a folder.
The url is an http or https URL of a zip or tar, compressed or not, or inbox:NAME for an archive, a folder or
a single XML or JSON file in ELIB_HOME/inbox.
"""

from __future__ import annotations

import io
import os
import zipfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path, PurePosixPath

import msgspec
from lxml import etree

from harvesters.causes import failed, unreadable_response
from harvesters.client import Client
from harvesters.documents.document import not_modified, pages
from harvesters.documents.inbox import INBOX, inbox_path, inbox_reply
from harvesters.documents.tar_files import DamagedTar, is_tar, read_tar
from harvesters.documents.zip_members import pieces
from harvesters.lists import NotJson, elements, server_date, source_record
from harvesters.records import Result, UnreadableElement, build_record, unreadable
from harvesters.strict_xml import InvalidXml, parse_xml
from harvesters.unexpected import Description, is_of_the_system, read_each
from harvesters.web_pages import html_cause
from schemas import Ask, Environment, Feed, HarvestFailed, Page, Progress

_File = tuple[str, bytes | UnreadableElement]  # the name within the folder or zip, and the content
_MAX_TOTAL = 32  # times [request] max_bytes: what all files of one zip may unpack to
_FORMATS = {"lom": "lom", "manifest": "imscp"}  # root element → format, where the feed file names no other than lom
_MAX_ZIP_ENTRIES = 200_000
_ZIP_START = b"PK\x03\x04"  # of a zip that is not empty
_DIRECTORY_ENTRY, _DIRECTORY_END = b"PK\x01\x02", b"PK\x05\x06"
_RECORDS = (".xml", ".json")
_PACKAGES = (".zip", ".imscc")
_MANIFEST = "imsmanifest.xml"
_START_BYTES = 512  # of an archive, which say what it is
_MAC_COMPANION = "._"  # prefix of the files that macOS adds beside its own


def harvest(feed: Feed, ask: Ask, env: Environment, report: Progress) -> Iterator[Page]:
    """Yield one record per file, or per element of a JSON list; the files are the whole list."""
    with Client(feed, ask, env) as client:
        budget = _Budget(feed)
        if feed.url.startswith(INBOX):
            files, date = _read_inbox(feed, env, budget), None
        else:
            reply = client.send(feed.url, params=feed.request.params, conditional=True)
            if reply.status == 304:
                yield not_modified(ask)
                return
            files, date = _read_archive(feed, io.BytesIO(reply.body), reply.body, budget), server_date(reply)
        results = read_each(files, lambda file: _records(feed, budget, *file), partial(_describe, feed), feed.url)
        yield from pages(results, feed, ask, client, report, date, whole=True)


# files


class _Budget:
    """What all files of a zip, and those of the packages in it, may unpack to, the unreadable ones included."""

    def __init__(self, feed: Feed) -> None:
        self._feed = feed
        self._left = _MAX_TOTAL * feed.request.max_bytes

    def spend(self, size: int, name: str) -> None:
        """Raise HarvestFailed("too_large") when so many more bytes are too many."""
        self._left -= size
        if self._left < 0:
            raise self.exceeded(name)

    def exceeded(self, name: str) -> HarvestFailed:
        """Return the failure of an archive that unpacks to too much."""
        return failed("too_large", f"{self._feed.url} unpacks to more than the feed allows, at {name}")


def _read_inbox(feed: Feed, env: Environment, budget: _Budget) -> Iterator[_File]:
    """Return the files of a folder or archive in the inbox, in name order, or the file itself.

    Links that leave the inbox are refused.
    """
    path = inbox_path(feed, env)
    if path.is_file():
        with path.open("rb") as file:
            start = file.read(_START_BYTES)
        is_archive = start[:2] == _ZIP_START[:2] or is_tar(start)
        if path.suffix.lower() in _RECORDS and not is_archive:
            return iter([(path.name, inbox_reply(feed, env).body)])
        return _read_archive(feed, path, start, budget)
    if not path.is_dir():
        raise failed("gone", f"{feed.url}: there is no such file or folder in ELIB_HOME/inbox")
    return _read_folder(feed, path)


def _read_folder(feed: Feed, folder: Path) -> Iterator[_File]:
    for path in sorted(folder.rglob("*")):
        if not path.is_file():
            continue
        if not path.resolve().is_relative_to(folder):
            raise failed("forbidden_address", f"{path.name} is a link that leads out of {feed.url}")
        if path.stat().st_size > feed.request.max_bytes:
            raise failed("too_large", f"{path.name} has more than {feed.request.max_bytes} bytes")
        name = os.fsencode(path.relative_to(folder).as_posix()).decode("utf-8", "replace")
        try:
            content: bytes | UnreadableElement = path.read_bytes()
        except OSError as error:
            content = unreadable(name, f"{name} cannot be read ({error.strerror})")
        yield name, content


def _read_archive(feed: Feed, archive: Path | io.BytesIO, start: bytes, budget: _Budget) -> Iterator[_File]:
    """Return the files of a zip or tar that begins with `start`, in name order."""
    if start[:4] != _ZIP_START and is_tar(start):
        return _read_tar(feed, archive, start)
    return _read_zip(feed, archive, start, budget)


def _read_tar(feed: Feed, archive: Path | io.BytesIO, start: bytes) -> Iterator[_File]:
    """Yield the files of a tar in name order. Raises HarvestFailed."""
    body = archive.getvalue() if isinstance(archive, io.BytesIO) else start
    try:
        yield from read_tar(feed, archive, _MAX_TOTAL * feed.request.max_bytes)
    except DamagedTar as error:
        raise unreadable_response("malformed", f"{feed.url} is no complete tar ({error})", feed.url, body) from error


def _read_zip(feed: Feed, zip_file: Path | io.BytesIO, start: bytes, budget: _Budget) -> Iterator[_File]:
    """Yield the files of a zip in name order, each read up to the feed's limit whatever size the zip declares.

    `start` is the beginning of the zip, to recognize a web page. Raises HarvestFailed.
    """
    with _open_zip(feed, zip_file, start) as archive:
        for member in _zip_members(feed, archive):
            name = PurePosixPath(member.filename).as_posix()
            try:
                content: bytes | UnreadableElement = _unpack(feed, archive, member, budget)
            except HarvestFailed:
                raise
            except Exception as error:  # zipfile documents few of those that a damaged file raises
                content = _unpackable(feed, member.filename, error)
            yield name, content


def _unpack(feed: Feed, archive: zipfile.ZipFile, member: zipfile.ZipInfo, budget: _Budget) -> bytes:
    """Return a file of a zip, up to the feed's limit."""
    content = bytearray()
    for piece in pieces(archive, member):
        content += piece
        budget.spend(len(piece), member.filename)
        if len(content) > feed.request.max_bytes:
            raise budget.exceeded(member.filename)
    return bytes(content)


def _open_zip(feed: Feed, zip_file: Path | io.BytesIO, start: bytes) -> zipfile.ZipFile:
    """Open a zip that begins with `start`. Raises HarvestFailed for what is not a complete zip."""
    try:
        if _count_entries(zip_file) > _MAX_ZIP_ENTRIES:
            raise failed("too_large", f"{feed.url} lists more than {_MAX_ZIP_ENTRIES} files")
        return zipfile.ZipFile(zip_file)
    except HarvestFailed:
        raise
    except Exception as error:  # for a list that is damaged, of a later version, or with names in no encoding
        if is_of_the_system(error):
            raise
        cause, page = html_cause(start, "malformed" if start[:4] == _ZIP_START else "bad_format")
        what = f"{feed.url} is {page or 'neither a complete zip nor a tar'} ({error})"
        if cause == "malformed" and isinstance(zip_file, io.BytesIO):
            raise unreadable_response(cause, what, feed.url, zip_file.getvalue()) from error
        raise failed(cause, what) from error


def _count_entries(zip_file: Path | io.BytesIO) -> int:
    """Return how many files a zip's directory lists, without reading it as zipfile does, which takes 20 times its size.

    https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT (4.3.12 and 4.3.16)
    """
    body = zip_file.getvalue() if isinstance(zip_file, io.BytesIO) else zip_file.read_bytes()
    end = body.rfind(_DIRECTORY_END)
    size = int.from_bytes(body[end + 12 : end + 16], "little")
    start = end - size if 0 < size <= end else 0  # zip64 says its size elsewhere
    return body.count(_DIRECTORY_ENTRY, start, end) if end >= 0 else 0


def _zip_members(feed: Feed, archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    """Return the files of a zip that may hold records, in name order.

    Raises HarvestFailed when there are more than the feed allows.
    """
    members = [member for member in archive.infolist() if not member.is_dir() and _may_hold_records(member.filename)]
    if len(members) > feed.request.max_pages:
        raise failed("too_large", f"{feed.url} holds more than {feed.request.max_pages} files")
    return sorted(members, key=lambda member: member.filename)


def _unpackable(feed: Feed, name: str, error: Exception) -> UnreadableElement:
    """Return a file that is damaged or encrypted; the others are read."""
    is_identifier = not feed.identifier or PurePosixPath(name).suffix.lower() != ".json"
    return unreadable(name if is_identifier else None, f"{name} cannot be unpacked ({error})")


# records


def _describe(feed: Feed, file: _File) -> Description:
    """Return what is known of a file on which an exception was raised: its name, where that names its record."""
    name, content = file
    is_identifier = not feed.identifier or PurePosixPath(name).suffix.lower() != ".json"
    return name if is_identifier else None, content if isinstance(content, bytes) else None


def _records(feed: Feed, budget: _Budget, name: str, content: bytes | UnreadableElement) -> Iterator[Result]:
    """Yield the records of one file; files that are neither XML, JSON nor a package hold none."""
    suffix = PurePosixPath(name).suffix.lower()
    if not _may_hold_records(name):
        return
    if isinstance(content, UnreadableElement):
        yield content
    elif suffix == ".xml":
        yield _xml_record(feed, name, content)
    elif suffix == ".json":
        yield from _json_records(feed, name, content)
    elif content[:2] == _ZIP_START[:2]:
        yield from _package_records(feed, budget, name, content)


def _may_hold_records(name: str) -> bool:
    path = PurePosixPath(name)
    return path.suffix.lower() in (*_RECORDS, *_PACKAGES) and not path.name.startswith(_MAC_COMPANION)


def _package_records(feed: Feed, budget: _Budget, name: str, content: bytes) -> Iterator[Result]:
    """Yield the manifest of a package inside the zip; its identifier is the package's name."""
    try:
        for inner, manifest in _read_zip(feed, io.BytesIO(content), content, budget):
            if PurePosixPath(inner).name == _MANIFEST:
                yield _xml_record(feed, name, manifest) if isinstance(manifest, bytes) else manifest
    except HarvestFailed as failure:
        if failure.cause == "too_large":
            raise
        yield _unpackable(feed, name, failure)


def _xml_record(feed: Feed, name: str, content: bytes) -> Result:
    try:
        root = parse_xml(content)
    except InvalidXml as error:
        return unreadable(name, f"not well-formed: {error}", name, content)
    payload = etree.tostring(root, encoding="UTF-8", xml_declaration=False, with_tail=False)
    by_root = _FORMATS.get(etree.QName(root).localname, "lom")
    return build_record(feed, name, payload, format_=by_root if feed.format in ("", "lom") else feed.format)


def _json_records(feed: Feed, name: str, content: bytes) -> Iterator[Result]:
    content = content.removeprefix(b"\xef\xbb\xbf").strip()
    try:
        path = feed.request.records_path
        texts = elements(content, path) if path or content[:1] == b"[" else [msgspec.Raw(content)]
        msgspec.json.decode(content)
    except (NotJson, HarvestFailed, msgspec.DecodeError) as error:
        # records that name themselves do not have the file's name: any of them may be in it
        identifier = None if feed.identifier else name
        yield unreadable(identifier, f"{name} is not readable: {error}", name, content)
        return
    for number, text in enumerate(texts):
        identifier = (name if len(texts) == 1 else f"{name}#{number}") if not feed.identifier else None
        yield source_record(text, feed, name, identifier)
