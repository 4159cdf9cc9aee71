"""Lists that only name their records: each record is requested at its own address."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, urljoin

import msgspec

from harvesters.causes import MAX_CONSECUTIVE_FAILURES, as_harvest_failure, concerns_one_record, request_failed
from harvesters.client import Client
from harvesters.lists.json_records import NotJson, identifier_of, raw_at, source_record
from harvesters.records import Result, unreadable
from harvesters.web_pages import html_cause
from schemas import Feed, HarvestFailed


def detailed_records(feed: Feed, client: Client, list_elements: list[msgspec.Raw]) -> Iterator[Result]:
    """Yield the record of every listed element; one that cannot be requested or read is skipped by its identifier.

    Raises HarvestFailed when many in a row fail.
    """
    consecutive_failures = 0
    for element in list_elements:
        identifier = identifier_of(element, feed.identifier)
        try:
            result = _detailed_record(feed, client, element, identifier)
            consecutive_failures = 0
        except NotJson as error:
            result = unreadable(identifier, str(error))
        except HarvestFailed as failure:
            consecutive_failures += 1
            if consecutive_failures > MAX_CONSECUTIVE_FAILURES or not concerns_one_record(failure):
                raise as_harvest_failure(failure) from failure
            result = unreadable(identifier, failure.sentence)
        yield result


def _detailed_record(feed: Feed, client: Client, element: msgspec.Raw, identifier: str | None) -> Result:
    request = feed.request
    try:
        listed = msgspec.json.decode(element, type=dict[str, Any])
    except msgspec.DecodeError as error:
        return unreadable(identifier, f"the listed element is not a JSON object ({error})")
    placeholders = {key: f"{{{key}}}" for key in client.credentials.values}  # the client fills them in
    fields = placeholders | {key: quote(str(value), safe="") for key, value in listed.items()}
    try:
        url = urljoin(feed.url, (request.detail_url or "").format_map(fields))
    except KeyError as error:
        return unreadable(identifier, f"the listed element has no {error}, which detail_url needs")
    reply = client.send(url)
    cause, page = html_cause(reply.body, "bad_format")
    if page:
        raise request_failed(cause, f"{url} answers with {page} instead of JSON")
    record = raw_at(msgspec.Raw(reply.body), request.detail_path)
    if record is None:
        return unreadable(identifier, f"{url} has nothing at detail_path {request.detail_path!r}")
    return source_record(record, feed, url, identifier)
