"""What a feed file may not say although each key of it is right: keys that do not go together, impossible values."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Set
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from schemas.feed.defaults import is_language, is_license

_Said = Mapping[str, Any]
_QUIET = re.compile(r"([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d(?: (\S+))?")
_NEEDS_IDENTIFIER = ("rest", "csv", "opendatasoft")  # protocols whose records do not name themselves
_HEADER = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # https://www.rfc-editor.org/rfc/rfc9110#name-tokens
_UNSPOKEN = re.compile(r"[\x00-\x1f\x7f]")  # what no name, address or header may hold
_SECRET = re.compile(
    r"(?i)auth(?!or(?!i[sz]))|cookie|token|secret|passw|credential|api-?key|subscription-key"
)  # header names
_PLACEHOLDER = re.compile(r"\{(?:login|password|token|header\.[^{}]*)\}")


def wrong_in(feed: _Said, unsure: Set[str] = frozenset()) -> list[str]:
    """One sentence for each thing that is wrong: the key, what is wrong with it, and what to do.

    Of the keys that are `unsure`, and of what hangs on them, nothing is said: they are wrong already.
    """
    sure = [check for check, hangs_on in _CHECKS.items() if not any(_in(key, hangs_on) for key in unsure)]
    found = [reason for check in sure for reason in check(feed)]
    return [reason for reason in found if not _in(reason.partition(":")[0], unsure)]


def _in(key: str, keys: Collection[str]) -> bool:
    """Whether a key is one of these, or a part of one of them."""
    return any(key == one or key.startswith(f"{one}.") for one in keys)


def _url(feed: _Said) -> Iterator[str]:
    url, inbox = feed["url"], feed["protocol"] == "files"
    if inbox and url.startswith("inbox:") and url.removeprefix("inbox:").strip():
        return
    try:
        parts = urlsplit(url)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        good = good and not _UNSPOKEN.search(url) and " " not in parts.netloc
    except ValueError:
        good = False
    if not good:
        more = ", or inbox:NAME for files in ELIB_HOME/inbox" if inbox else ""
        yield f"url: {url!r} is no address; give one that begins with http:// or https://{more}"
    elif parts.username or parts.password:
        yield "url: holds a user or a password; name an Airflow connection in connection instead"


def _format(feed: _Said) -> Iterator[str]:
    if not feed["format"]:
        example = "the metadataPrefix, such as oai_dc" if feed["protocol"] == "oai_pmh" else "the name of a crosswalk"
        yield f"format: required for {feed['protocol']}; give {example}"


def _identifier(feed: _Said) -> Iterator[str]:
    if feed["protocol"] in _NEEDS_IDENTIFIER and not feed["identifier"]:
        yield f"identifier: required for {feed['protocol']}; name the field, or fields, that identify a record"
    if any(not name.strip() for name in feed["identifier"]):
        yield "identifier: holds an empty name; remove it"


def _words(feed: _Said) -> Iterator[str]:
    for key in ("title", "partner", "default_license", "default_language", "dialect", "connection"):
        if feed[key] is not None and not feed[key].strip():
            yield f"{key}: is empty; give it a value or remove the key"
        elif _UNSPOKEN.search(feed[key] or ""):
            yield f"{key}: {feed[key]!r} holds a control character; remove it"


def _defaults(feed: _Said) -> Iterator[str]:
    said = feed["default_language"]
    if said and said.strip() and not is_language(said):
        yield f"default_language: {said!r} is no language tag; write one such as en, ar or sr-Latn"
    said = feed["default_license"]
    if said and said.strip() and not is_license(said):
        more = "write its address, or a name such as CC-BY-4.0"
        yield f"default_license: {said!r} is no licence that schemas/vocabularies/licenses.toml knows; {more}"


def _sets(feed: _Said) -> Iterator[str]:
    if any(not name.strip() for name in feed["sets"]):
        yield "sets: holds an empty name; remove it"
    if feed["sets"] and feed["protocol"] != "oai_pmh":
        yield f"sets: only oai_pmh has sets; remove the key, or narrow {feed['protocol']} with [request] params"


def _schedule(feed: _Said) -> Iterator[str]:
    try:
        from croniter import croniter  # type: ignore[import-untyped]  # it has no types
    except ImportError:  # it comes with Airflow; without Airflow nothing is scheduled
        return
    said = feed["schedule"].strip()
    random = re.search(
        r"(?<![A-Za-z])[RH](?![A-Za-z])", said
    )  # croniter's own fields that are drawn anew at each reading
    if random or not croniter.is_valid(said) or not (said.startswith("@") or len(said.split()) == 5):
        yield f"schedule: {feed['schedule']!r} is no cron expression; write five fields, such as '0 1 * * *'"
        return
    try:
        croniter(said).get_next()
    except ValueError:  # the 31st of February
        yield f"schedule: {feed['schedule']!r} names a day that never comes; write one that does"


def _paging(feed: _Said) -> Iterator[str]:
    request = feed["request"]
    if request["paging"] == "cursor" and not request["cursor_path"]:
        yield "request.cursor_path: required for paging = 'cursor'; say where the answer holds the next cursor"
    if request["cursor_path"] and request["paging"] != "cursor":
        yield "request.cursor_path: only for paging = 'cursor'; set that or remove the key"
    if request["page_in"] == "body" and request["method"] != "POST":
        yield "request.page_in: a body is only sent with method = 'POST'; set that or page_in = 'query'"
    if request["body"] and request["method"] != "POST":
        yield "request.body: only sent with method = 'POST'; set that or remove the key"
    if request["slice_by"] and feed["protocol"] != "opendatasoft":
        yield "request.slice_by: only for opendatasoft; remove the key"
    if request["detail_url"] and feed["protocol"] != "rest":
        yield "request.detail_url: only for rest; remove the key"
    if request["detail_url"] and "{" not in request["detail_url"]:
        yield "request.detail_url: names no {field} of the listed record; put one where its value belongs"


def _request(feed: _Said) -> Iterator[str]:
    request = feed["request"]
    if request["delimiter"] is not None and len(request["delimiter"]) != 1:
        said = request["delimiter"]
        yield f"request.delimiter: {said!r} is not one character; give one, or remove the key to have it detected"
    for name, value in request["headers"].items():
        if _SECRET.search(name) or _PLACEHOLDER.search(value):
            yield f"request.headers.{name}: credentials are never in a feed file; put header.{name} into its connection"
        elif not _HEADER.fullmatch(name) or not value.isascii() or _UNSPOKEN.search(value):
            yield f"request.headers.{name}: {value!r} cannot be sent; a header is one line of ASCII under one word"
    for said in request["quiet_hours"]:
        match = _QUIET.fullmatch(said)
        if match is None:
            yield f"request.quiet_hours: {said!r} is not like '08:00-18:00 Europe/Belgrade'; write it so"
        elif match[3] and not _zone(match[3]):
            yield f"request.quiet_hours: there is no time zone {match[3]!r}; write one such as Europe/Belgrade"


def _expect(feed: _Said) -> Iterator[str]:
    records = feed["expect"]["records"]
    if records is not None and not 0 <= records[0] <= records[1]:
        yield f"expect.records: {list(records)} is no range; write the least first, then the most"


def _zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


# each with the keys on which it hangs
_CHECKS: dict[Callable[[_Said], Iterator[str]], tuple[str, ...]] = {
    _url: (),
    _format: ("protocol",),
    _identifier: ("protocol",),
    _words: (),
    _defaults: (),
    _sets: ("protocol",),
    _schedule: (),
    _paging: ("protocol", "request"),
    _request: (),
    _expect: (),
}
