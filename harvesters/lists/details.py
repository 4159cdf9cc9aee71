"""Lists that only name their records: each record asked for at its own address."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, urljoin

import msgspec

from harvesters.causes import MAX_CONSECUTIVE_FAILURES, as_harvest_failure, concerns_one_record, request_failed
from harvesters.client import Client
from harvesters.lists.json_records import NotJson, identifier, raw_at, source_record
from harvesters.web_pages import html_cause
from schemas import Feed, HarvestFailed, RawResponse, Skipped, SourceRecord


def details(
    feed: Feed, client: Client, texts: list[msgspec.Raw], now: str
) -> tuple[list[SourceRecord], tuple[Skipped, ...], tuple[RawResponse, ...]]:
    """The record of every listed element; those that the server cannot give are skipped by name."""
    records: list[SourceRecord] = []
    skipped: list[Skipped] = []
    missed = 0
    for text in texts:
        name = identifier(text, feed.identifier)
        try:
            read = _detail(feed, client, text, name, now)
            missed = 0
        except NotJson as error:
            read = Skipped(identifier=name, reason=str(error))
        except HarvestFailed as error:
            missed += 1
            if missed > MAX_CONSECUTIVE_FAILURES or not concerns_one_record(error):
                raise as_harvest_failure(error) from error
            read = Skipped(identifier=name, reason=error.sentence)
        if isinstance(read, SourceRecord):
            records.append(read)
        else:
            skipped.append(read)
    return records, tuple(skipped), ()


def _detail(feed: Feed, client: Client, text: msgspec.Raw, name: str | None, now: str) -> SourceRecord | Skipped:
    asked = feed.request
    try:
        listed = msgspec.json.decode(text, type=dict[str, Any])
    except msgspec.DecodeError as error:
        return Skipped(identifier=name, reason=f"the listed element is no JSON object ({error})")
    placeholders = {key: f"{{{key}}}" for key in client.credentials.values}  # the client puts the credentials in
    fields = placeholders | {key: quote(str(value), safe="") for key, value in listed.items()}
    try:
        url = urljoin(feed.url, (asked.detail_url or "").format_map(fields))
    except KeyError as error:
        return Skipped(identifier=name, reason=f"the listed element has no {error}, which detail_url needs")
    reply = client.send(url)
    cause, what = html_cause(reply.body, "bad_format")
    if what:
        raise request_failed(cause, f"{url} answers with {what} instead of JSON")
    found = raw_at(msgspec.Raw(reply.body), asked.detail_path)
    if found is None:
        return Skipped(identifier=name, reason=f"{url} has nothing at detail_path {asked.detail_path!r}")
    return source_record(found, feed, now, name)
