"""Lists that only name their records: each record is requested at its own address."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import msgspec

from harvesters.causes import (
    MAX_CONSECUTIVE_FAILURES,
    as_server_failure,
    concerns_one_record,
    failed,
    of_one_record,
    request_failed,
)
from harvesters.client import Client, join_address
from harvesters.lists.json_records import NotJson, identifier_of, is_object, raw_at, source_record, value_at
from harvesters.records import Result, unreadable
from harvesters.unexpected import is_of_the_system, skip_unexpected, unexpected_response
from harvesters.web_pages import html_cause
from schemas import Feed, HarvestFailed

_PLACEHOLDER = re.compile(r"\{([^{}]+)\}")
_IN_A_ROW = f", and so did more than {MAX_CONSECUTIVE_FAILURES} records in a row"
_DETAIL_ADVICE = "Compare request.detail_url with the addresses that the partner gives its records."
_ADDRESS_STARTS = ("/", "http://", "https://", "?", "./")


class _FieldMissing(Exception):
    """The listed element has no such field; the message is the field's path."""


def detail_fields(feed: Feed) -> set[str]:
    """Return the fields of a listed element that the address of a record is made of; empty without detail_url."""
    return set(_PLACEHOLDER.findall(feed.request.detail_url or ""))


def detailed_records(feed: Feed, client: Client, list_elements: list[msgspec.Raw], *, first: bool) -> Iterator[Result]:
    """Yield the record of every listed element; one that cannot be requested or read is skipped by its identifier.

    Raises HarvestFailed when many in a row fail, or when none on the `first` page has a field that detail_url names.
    """
    if first:
        _require_fields(feed, client, list_elements)
    consecutive_failures = 0
    for element in list_elements:
        identifier = None
        try:
            identifier = identifier_of(element, feed.identifier)
            result = detailed_record(feed, client, element, identifier)
            consecutive_failures = 0
        except NotJson as error:
            result = unreadable(identifier, str(error))
        except HarvestFailed as failure:
            consecutive_failures += 1
            if consecutive_failures > MAX_CONSECUTIVE_FAILURES or not concerns_one_record(failure):
                raise _failure_of_the_list(failure) from failure
            client.skipped_pages.add(failure)
            result = unreadable(identifier, of_one_record(failure))
        except Exception as error:
            if is_of_the_system(error):
                raise
            client.skipped_pages.add(unexpected_response(error, feed.url, b""))
            result = skip_unexpected(error, identifier, feed.url, bytes(element))
        yield result


def _failure_of_the_list(failure: HarvestFailed) -> HarvestFailed:
    """Return the failure of one record as that of the harvest: of many in a row, or one that concerns them all."""
    if failure.cause == "gone":
        return failed("gone", of_one_record(failure) + _IN_A_ROW, _DETAIL_ADVICE)
    return as_server_failure(failure, _IN_A_ROW.strip(" ,"))


def _require_fields(feed: Feed, client: Client, list_elements: list[msgspec.Raw]) -> None:
    """Raise HarvestFailed("bad_format") if detail_url names a field that no listed object has."""
    objects = [element for element in list_elements if is_object(element)]
    for path in sorted(detail_fields(feed)):
        if not objects or path in client.credentials.values or any(_has_field(element, path) for element in objects):
            continue
        what = f"request.detail_url: no listed record has a field {path!r} that can stand in an address"
        raise failed("bad_format", f"{what}; the first one has {', '.join(_keys_of(objects[0])) or 'no field'}")


def _has_field(element: msgspec.Raw, path: str) -> bool:
    try:
        return _scalar_at(element, path) is not None
    except NotJson:
        return False


def _keys_of(element: msgspec.Raw) -> list[str]:
    try:
        return list(msgspec.json.decode(element, type=dict[str, Any]))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return []


def _scalar_at(element: msgspec.Raw, path: str) -> str | None:
    """Return the text or number at a path as text; None for anything else. Raises NotJson."""
    value = value_at(element, path)
    return str(value) if isinstance(value, str | int | float) and not isinstance(value, bool) and value != "" else None


def detailed_record(feed: Feed, client: Client, element: msgspec.Raw, identifier: str | None) -> Result:
    """Request the record of a listed element at its own address. Raises HarvestFailed, or NotJson for the answer."""
    request = feed.request
    if not is_object(element):
        return unreadable(identifier, "the listed element is not a JSON object")
    try:
        address = _filled_in(request.detail_url or "", element, client)
    except _FieldMissing as error:
        return unreadable(identifier, f"the listed element has no {error}, which detail_url needs")
    url = join_address(feed.url, address)
    if url is None:
        shown = client.credentials.mask(address[:200])
        return unreadable(identifier, f"the listed element makes no valid address of detail_url, but {shown!r}")
    reply = client.send(url)
    cause, page = html_cause(reply.body, "bad_format")
    if page:
        raise request_failed(cause, f"{url} answers with {page} instead of JSON")
    record = raw_at(msgspec.Raw(reply.body), request.detail_path)
    if record is None:
        return unreadable(identifier, f"{url} has nothing at detail_path {request.detail_path!r}")
    _require_object(record, url)
    return source_record(record, feed, url, identifier)


def _require_object(record: msgspec.Raw, url: str) -> None:
    """Raise NotJson for what is no JSON object: an empty answer, a list, XML."""
    if not is_object(record):
        raise NotJson(f"{url} answers without a JSON object; see request.detail_path")
    try:
        msgspec.json.decode(record, type=dict[str, msgspec.Raw])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise NotJson(f"{url} answers with what is not valid JSON: {error}") from error


def _filled_in(detail_url: str, element: msgspec.Raw, client: Client) -> str:
    """Return detail_url with the fields of a listed element, quoted; an address at its beginning stays one.

    The client fills in credentials. Raises _FieldMissing.
    """

    def value(placeholder: re.Match[str]) -> str:
        text = _scalar_at(element, placeholder[1])
        if text is None and placeholder[1] in client.credentials.values:
            return placeholder[0]
        if text is None:
            raise _FieldMissing(repr(placeholder[1]))
        is_address = placeholder.start() == 0 and text.startswith(_ADDRESS_STARTS)
        return text if is_address else quote(text, safe="")

    return _PLACEHOLDER.sub(value, detail_url)
