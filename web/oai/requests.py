"""Read a request of OAI-PMH: its verb, its arguments and its resumption token, or the error that it is answered with.

http://www.openarchives.org/OAI/openarchivesprotocol.html, sections 3.1, 3.5, 3.6 and 4.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import msgspec
from itsdangerous import BadData, URLSafeTimedSerializer

from schemas import Base
from transforms.exports import EXPORTS, OaiFormat

FORMATS: Mapping[str, OaiFormat] = {each.oai.prefix: each.oai for each in EXPORTS.values() if each.oai is not None}
TOKEN_SECONDS = 7 * 24 * 3600  # how long a resumption token holds
_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_SECOND = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
_SET = re.compile(r"[A-Za-z0-9\-_.!~*'()]+(?::[A-Za-z0-9\-_.!~*'()]+)*")
_LIST = ("metadataPrefix", "from", "until", "set", "resumptionToken")


class Verb(NamedTuple):
    """A verb's arguments: those that it needs, those that it may have, and whether it may have a resumption token."""

    required: Sequence[str] = ()
    optional: Sequence[str] = ()


VERBS: Mapping[str, Verb] = {
    "Identify": Verb(),
    "ListMetadataFormats": Verb(optional=("identifier",)),
    "ListSets": Verb(optional=("resumptionToken",)),
    "GetRecord": Verb(required=("identifier", "metadataPrefix")),
    "ListIdentifiers": Verb(required=("metadataPrefix",), optional=_LIST),
    "ListRecords": Verb(required=("metadataPrefix",), optional=_LIST),
}


class OaiError(Exception):
    """An error condition of the protocol: its code and a sentence."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code


class ListRequest(Base, frozen=True, kw_only=True):
    """What a list is of, and how far it has come: all of this is in its resumption token.

    since, before: visible times as the catalog has them, the first included and the second not; "": open
    after: the last id that was delivered; delivered: how many records were
    """

    verb: str
    prefix: str
    spec: str = ""
    since: str = ""
    before: str = ""
    after: str = ""
    delivered: int = 0


def read_arguments(pairs: Sequence[tuple[str, str]]) -> tuple[str, dict[str, str]]:
    """Return the verb and its arguments. Raises OaiError badVerb or badArgument."""
    verbs = [value for name, value in pairs if name == "verb"]
    if len(verbs) != 1 or verbs[0] not in VERBS:
        what = f"{verbs[0]!r} is none" if len(verbs) == 1 else "it is missing" if not verbs else "it is given twice"
        raise OaiError("badVerb", f"verb: {what}; use one of {', '.join(VERBS)}")
    verb = VERBS[verbs[0]]
    arguments: dict[str, str] = {}
    for name, value in pairs:
        if name == "verb":
            continue
        if name not in (*verb.required, *verb.optional):
            raise OaiError("badArgument", f"{name}: {verbs[0]} has no such argument")
        if name in arguments:
            raise OaiError("badArgument", f"{name}: it is given twice")
        if "\x00" in value:  # PostgreSQL takes it for no text
            raise OaiError("badArgument", f"{name}: it holds a NUL character")
        arguments[name] = value
    _check_complete(verbs[0], verb, arguments)
    return verbs[0], arguments


def _check_complete(name: str, verb: Verb, arguments: Mapping[str, str]) -> None:
    if "resumptionToken" in arguments:
        if len(arguments) > 1:
            raise OaiError("badArgument", "resumptionToken: no other argument may stand beside it")
        return
    missing = [each for each in verb.required if not arguments.get(each)]
    if missing:
        raise OaiError("badArgument", f"{missing[0]}: {name} needs it")


def read_list(verb: str, arguments: Mapping[str, str], tokens: URLSafeTimedSerializer) -> ListRequest:
    """Return what a list is of. Raises OaiError badArgument, badResumptionToken or cannotDisseminateFormat."""
    if (token := arguments.get("resumptionToken")) is not None:
        return _read_token(verb, token, tokens)
    format_of(arguments["metadataPrefix"])
    spec = arguments.get("set", "")
    if "set" in arguments and not _SET.fullmatch(spec):
        raise OaiError("badArgument", f"set: {spec!r} is no name of a set")
    since, before = _window(arguments)
    return ListRequest(verb=verb, prefix=arguments["metadataPrefix"], spec=spec, since=since, before=before)


def format_of(prefix: str) -> OaiFormat:
    """Return the format of a prefix. Raises OaiError cannotDisseminateFormat."""
    if prefix not in FORMATS:
        raise OaiError("cannotDisseminateFormat", f"metadataPrefix: {prefix!r} is none of {', '.join(FORMATS)}")
    return FORMATS[prefix]


def token_of(request: ListRequest, tokens: URLSafeTimedSerializer) -> str:
    """Return the resumption token by which a list goes on."""
    token = tokens.dumps(msgspec.to_builtins(request))
    return token if isinstance(token, str) else token.decode()


def _read_token(verb: str, token: str, tokens: URLSafeTimedSerializer) -> ListRequest:
    try:
        request = msgspec.convert(tokens.loads(token, max_age=TOKEN_SECONDS), type=ListRequest)
    except (BadData, msgspec.ValidationError) as error:
        raise OaiError("badResumptionToken", "resumptionToken: not ours, or too old; begin the list again") from error
    if request.verb != verb or request.prefix not in FORMATS:
        raise OaiError("badResumptionToken", f"resumptionToken: it is of a list of {request.verb}")
    return request


def _window(arguments: Mapping[str, str]) -> tuple[str, str]:
    since, until = arguments.get("from"), arguments.get("until")
    first = _moment("from", since) if since is not None else None
    last = _moment("until", until) if until is not None else None
    if since is not None and until is not None and len(since) != len(until):
        raise OaiError("badArgument", "from and until: one is a day and the other has a time; give both alike")
    if first is not None and last is not None and first > last:
        raise OaiError("badArgument", "from is later than until")
    after_last = ""
    if last is not None and until is not None:
        step = timedelta(days=1) if len(until) == 10 else timedelta(seconds=1)
        after_last = _text(last + step) if last.year < 9999 else ""
    return (_text(first) if first is not None else ""), after_last


def _moment(name: str, text: str) -> datetime:
    """Return a day or a second of UTC. Raises OaiError badArgument."""
    try:
        if _DAY.fullmatch(text):
            return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
        if _SECOND.fullmatch(text):
            return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    except ValueError as error:
        raise OaiError("badArgument", f"{name}: {text!r} is no date") from error
    raise OaiError("badArgument", f"{name}: {text!r} is not as in 2026-03-01 or 2026-03-01T02:15:00Z")


def _text(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%S}".rjust(19, "0")
