"""One record of a list, requested at its own address or by a question for it, where its identifier is enough."""

from __future__ import annotations

import re

import msgspec

from harvesters.causes import RequestFailed
from harvesters.client import Client
from harvesters.lists.details import detail_fields, detailed_record
from harvesters.lists.json_records import NotJson
from harvesters.lists.opendatasoft import read_where
from harvesters.records import split_results, unreadable
from schemas import Ask, Environment, Feed, HarvestFailed, Page

_FIELD_NAME = re.compile(r"[A-Za-z_]\w{0,63}")  # what stands in a question without quotation marks
_BAD_REQUEST = 400


def find_detail(feed: Feed, identifier: str, ask: Ask, env: Environment) -> Page | None:
    """Return a page with the record at its own address; None where the identifier does not make that address."""
    names = _named_parts(feed, identifier)
    if not names or not detail_fields(feed) or not detail_fields(feed) <= names.keys():
        return None
    element = msgspec.Raw(msgspec.json.encode(names))
    with Client(feed, ask, env) as client:
        try:
            result = detailed_record(feed, client, element, identifier)
        except NotJson as error:
            result = unreadable(identifier, str(error))
        except HarvestFailed as failure:
            if failure.cause == "gone":
                return Page()
            raise
        records, skipped, raw = split_results([result])
        return Page(records=records, skipped=skipped, raw=raw, notes=tuple(client.notes))


def find_in_dataset(feed: Feed, identifier: str, ask: Ask, env: Environment) -> Page | None:
    """Return a page with the record that a dataset has under the identifier; None where it cannot be asked for it."""
    conditions = [_condition(name, value) for name, value in _named_parts(feed, identifier).items()]
    if not conditions or not all(conditions):
        return None
    try:
        for page in read_where(feed, ask, env, " and ".join(conditions)):
            if any(record.identifier == identifier for record in page.records):
                return page
    except RequestFailed as failure:
        if failure.status == _BAD_REQUEST:
            return None  # a field that is no text is not compared with one
        raise
    return Page()


def _condition(name: str, value: str) -> str:
    """Return the condition that a field has a value, in ODSQL; empty where that cannot be written."""
    mark = next((mark for mark in "\"'" if mark not in value), None)
    is_plain = _FIELD_NAME.fullmatch(name) and mark and "\\" not in value
    return f"{name} = {mark}{value}{mark}" if is_plain else ""


def _named_parts(feed: Feed, identifier: str) -> dict[str, str]:
    """Return the identifier's parts by the fields that form it; empty when they cannot be told apart."""
    parts = identifier.split("|") if len(feed.identifier) > 1 else [identifier]
    return dict(zip(feed.identifier, parts, strict=True)) if len(parts) == len(feed.identifier) else {}
