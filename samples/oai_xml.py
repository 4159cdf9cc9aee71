"""OAI-PMH responses written as text around records that are already text (http://www.openarchives.org/OAI/2.0/)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from xml.sax.saxutils import escape, quoteattr

OAI = "http://www.openarchives.org/OAI/2.0/"
NS = {"oai": OAI}

VERBS: dict[str, frozenset[str]] = {
    "Identify": frozenset(),
    "ListMetadataFormats": frozenset({"identifier"}),
    "ListSets": frozenset({"resumptionToken"}),
    "GetRecord": frozenset({"identifier", "metadataPrefix"}),
    "ListIdentifiers": frozenset({"metadataPrefix", "from", "until", "set", "resumptionToken"}),
    "ListRecords": frozenset({"metadataPrefix", "from", "until", "set", "resumptionToken"}),
}

_HEAD = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    '<OAI-PMH xmlns="http://www.openarchives.org/OAI/2.0/" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
    'xsi:schemaLocation="http://www.openarchives.org/OAI/2.0/ http://www.openarchives.org/OAI/2.0/OAI-PMH.xsd">\n'
)


class OaiError(Exception):
    """An error of the protocol (section 3.6): its code and a sentence."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(f"{code}: {sentence}")
        self.code = code
        self.sentence = sentence


def parse_arguments(pairs: Iterable[tuple[str, str]]) -> tuple[str, dict[str, str]]:
    """Return the verb and its arguments. Raises OaiError badVerb or badArgument as section 3.6 says."""
    arguments: dict[str, str] = {}
    for name, value in pairs:
        if name in arguments:
            code = "badVerb" if name == "verb" else "badArgument"
            raise OaiError(code, f"the argument {name} is given twice")
        arguments[name] = value
    verb = arguments.pop("verb", "")
    if verb not in VERBS:
        raise OaiError("badVerb", f"{verb!r} is not a verb of OAI-PMH" if verb else "the verb is missing")
    if unknown := sorted(set(arguments) - VERBS[verb]):
        raise OaiError("badArgument", f"{verb} does not take {', '.join(unknown)}")
    _check_required(verb, arguments)
    return verb, arguments


def _check_required(verb: str, arguments: dict[str, str]) -> None:
    if "resumptionToken" in arguments and len(arguments) > 1:
        raise OaiError("badArgument", "resumptionToken is an exclusive argument")
    needed: tuple[str, ...] = ("identifier", "metadataPrefix") if verb == "GetRecord" else ()
    if verb in ("ListRecords", "ListIdentifiers") and "resumptionToken" not in arguments:
        needed = ("metadataPrefix",)
    if missing := [name for name in needed if not arguments.get(name)]:
        raise OaiError("badArgument", f"{verb} needs {' and '.join(missing)}")


def response(base_url: str, arguments: dict[str, str], content: str | bytes) -> bytes:
    """Format a whole response, dated now, around the element of the verb or error."""
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    attributes = "".join(f" {name}={quoteattr(value)}" for name, value in arguments.items())
    head = f"{_HEAD}<responseDate>{now}</responseDate>\n<request{attributes}>{escape(base_url)}</request>\n"
    inner = content.encode("utf-8") if isinstance(content, str) else content
    return head.encode("utf-8") + inner + b"\n</OAI-PMH>\n"


def error(base_url: str, arguments: dict[str, str], failure: OaiError) -> bytes:
    """Format the response that carries an error; a bad verb or argument is not echoed (section 3.2)."""
    echoed = {} if failure.code in ("badVerb", "badArgument") else arguments
    return response(base_url, echoed, f'<error code="{failure.code}">{escape(failure.sentence)}</error>')


def identify(values: dict[str, str]) -> str:
    """Format the Identify element; `values` are in the order of the protocol."""
    return "<Identify>" + "".join(f"<{name}>{escape(value)}</{name}>" for name, value in values.items()) + "</Identify>"


def formats(rows: Iterable[tuple[str, str, str]]) -> str:
    """Format the ListMetadataFormats element of (prefix, schema, namespace) rows."""
    cells = "".join(
        f"<metadataFormat><metadataPrefix>{escape(prefix)}</metadataPrefix><schema>{escape(schema)}</schema>"
        f"<metadataNamespace>{escape(namespace)}</metadataNamespace></metadataFormat>"
        for prefix, schema, namespace in rows
    )
    return f"<ListMetadataFormats>{cells}</ListMetadataFormats>"


def sets(rows: dict[str, str]) -> str:
    """Format the ListSets element of setSpec → setName."""
    cells = "".join(
        f"<set><setSpec>{escape(spec)}</setSpec><setName>{escape(name)}</setName></set>" for spec, name in rows.items()
    )
    return f"<ListSets>{cells}</ListSets>"


def token(value: str, cursor: int, size: int) -> str:
    """Format the resumptionToken element; an empty value marks the end of the list."""
    return f'<resumptionToken completeListSize="{size}" cursor="{cursor}">{escape(value)}</resumptionToken>'


def second(stamp: str, *, end: bool = False) -> str:
    """Convert a datestamp of either granularity to seconds; a day to its first or last second."""
    return f"{stamp}T{'23:59:59' if end else '00:00:00'}Z" if len(stamp) == 10 else stamp
