"""Rules about web addresses and identifiers."""

from __future__ import annotations

import ipaddress
import re

from schemas import Resource
from transforms.normalize import split_url
from transforms.remembering import remember
from transforms.rules.rule import Context, Rule, Violation, findings_of, from_findings
from transforms.rules.texts import finding

_PRIVATE_ENDINGS = (".local", ".localhost", ".internal", ".lan", ".intranet", ".home.arpa", ".test", ".invalid")
_WEB_SCHEMES = frozenset({"http", "https"})
_NUMERIC_HOST = re.compile(r"(?:0x[0-9a-f]+|\d+)(?:\.(?:0x[0-9a-f]+|\d+)){0,3}")  # 2130706433, 0x7f.1, 127.1
_SESSION_PARAMETER = re.compile(r"(?:;jsessionid=|[?&](?:phpsessid|jsessionid|sid|session_?id)=)", re.IGNORECASE)
_PLACEHOLDER_HOST = re.compile(r"example\.(?:com|org|net)|localhost", re.IGNORECASE)
_PLACEHOLDER_IDENTIFIERS = re.compile(
    r"(?:https?://hdl\.handle\.net/)?123456789/.*|0{8,13}|9780{9,10}|(\d)\1{9,12}|10\.(?:1234|5555|0000|9999|12345)/.*"
    r"|none|null|n/?a|unknown|test|-+|\.+",
    re.IGNORECASE,
)


@remember(10_000)
def _is_private(host: str) -> bool:
    """Whether a host is in a private network or this machine, in any spelling of its address."""
    plain = host.rstrip(".").lower()
    if not plain or plain == "localhost" or plain.endswith(_PRIVATE_ENDINGS):
        return True
    try:
        address = ipaddress.ip_address(plain)
    except ValueError:
        return _NUMERIC_HOST.fullmatch(plain) is not None or ("." not in plain and ":" not in plain)
    return not address.is_global


def _addresses_with(resource: Resource, fault: str) -> list[Violation]:
    """Return the landing page and the links that have a fault."""
    violations = [("url", resource.url)] if resource.url and fault in _faults(resource.url) else []
    return violations + [
        (f"links[{n}].url", link.url) for n, link in enumerate(resource.links) if fault in _faults(link.url)
    ]


def opening_address(resource: Resource) -> str | None:
    """Return the address at which a reader opens the work: its page, else its first file; a picture is not one."""
    return resource.url or next((link.url for link in resource.links if link.role == "content"), None)


def _missing(resource: Resource, _: Context) -> list[Violation]:
    return [] if opening_address(resource) else [("url", "")]


def _landing_page_missing(resource: Resource, _: Context) -> list[Violation]:
    return [("url", file)] if not resource.url and (file := opening_address(resource)) else []


@remember(1_000)  # several rules look at each address of a record
def _faults(url: str) -> frozenset[str]:
    """Return what is wrong with an address, among private, unsafe, malformed and session."""
    parts = split_url(url)
    if parts is None:
        return frozenset({"malformed"})
    is_web = parts.scheme.lower() in _WEB_SCHEMES
    faults = {
        "private": is_web and parts.host is not None and _is_private(parts.host),
        "unsafe": _is_unsafe(parts.scheme, parts.netloc),
        "malformed": not parts.scheme or (is_web and not parts.netloc) or " " in url,
        "session": "=" in url and _SESSION_PARAMETER.search(url) is not None,
    }
    return frozenset(fault for fault, present in faults.items() if present)


def _is_unsafe(scheme: str, netloc: str) -> bool:
    """Return whether an address has a scheme that is not the web's, or holds a name or password."""
    return bool(scheme and scheme.lower() not in _WEB_SCHEMES) or "@" in netloc


def _private(resource: Resource, _: Context) -> list[Violation]:
    return _addresses_with(resource, "private")


def _unsafe(resource: Resource, _: Context) -> list[Violation]:
    return _addresses_with(resource, "unsafe")


def _malformed(resource: Resource, context: Context) -> list[Violation]:
    return [*_addresses_with(resource, "malformed"), *findings_of(context, "url_malformed")]


def _insecure(resource: Resource, _: Context) -> list[Violation]:
    return [("url", resource.url)] if resource.url and resource.url.startswith("http://") else []


def _home_page(resource: Resource, _: Context) -> list[Violation]:
    parts = split_url(resource.url) if resource.url else None
    bare = parts and parts.netloc and parts.path in {"", "/"} and not parts.query and not parts.fragment
    return [("url", resource.url or "")] if bare else []


def _session(resource: Resource, _: Context) -> list[Violation]:
    return _addresses_with(resource, "session")


def _link_repeated(resource: Resource, _: Context) -> list[Violation]:
    if len(resource.links) < 2:
        return []
    known: set[tuple[str, str]] = set()
    violations = []
    for number, link in enumerate(resource.links):
        if (link.url, link.role) in known:
            violations.append((f"links[{number}].url", link.url))
        known.add((link.url, link.role))
    return violations


def _identifier_placeholder(resource: Resource, _: Context) -> list[Violation]:
    return [
        (f"identifiers[{number}].value", identifier.value)
        for number, identifier in enumerate(resource.identifiers)
        if _PLACEHOLDER_IDENTIFIERS.fullmatch(identifier.value) or _PLACEHOLDER_HOST.search(identifier.value)
    ]


def _identifier_missing(resource: Resource, _: Context) -> list[Violation]:
    return [] if resource.identifiers or resource.url else [("identifiers", "")]


RULES = (
    Rule(
        code="address_missing", path="url", severity="error", part="address", find=_missing,
        wrong="The record has no web address at which the resource opens.",
        why="The library points to resources; without an address a reader cannot get there. A picture does not count.",
        mend="Give the address of the page where the resource is opened or downloaded (LOM 4.3, dc:identifier). Where"
        " it follows from the record's number, the feed file can declare it: address = \"https://…/{id}\".",
        good={"url": None, "links": [{"url": "https://learn.unesco.org/a/1.pdf"}]},
        bad={"url": None, "links": [{"url": "https://learn.unesco.org/a/1.png", "role": "thumbnail"}]},
    ),
    Rule(
        code="landing_page_missing", path="url", severity="info", part="address", find=_landing_page_missing,
        wrong="There are files, but no page that presents the resource.",
        why="A reader is sent straight into a download, without licence or context.",
        mend="Add the address of the resource's own page.",
        good={"url": "https://learn.unesco.org/a/1"},
        bad={"url": None, "links": [{"url": "https://learn.unesco.org/a/1.pdf"}]},
    ),
    Rule(
        code="address_private", path="url", severity="error", part="address", find=_private,
        wrong="The address leads into a private network or to a single machine.",
        why="It opens nothing for readers, and it may reach things in their own network.",
        mend="Replace it with the public address (often the base URL of the repository is not set).",
        good={"url": "https://learn.unesco.org/a/1"}, bad={"url": "http://192.168.0.12:8080/handle/1"},
    ),
    Rule(
        code="address_unsafe", path="url", severity="error", part="address", find=_unsafe,
        wrong="The address is not an http(s) address, or it holds a name or password.",
        why="javascript:, file: and addresses with passwords put readers or the partner at risk.",
        mend="Give a plain https:// address.",
        good={"url": "https://learn.unesco.org/@team/1"}, bad={"url": "javascript:alert(1)"},
    ),
    Rule(
        code="url_malformed", path="url", severity="warning", part="address", find=_malformed,
        wrong="An address is not well formed.",
        why="It opens nothing, or something else.",
        mend="Write the whole address, starting with https://, without spaces.",
        good={"url": "https://learn.unesco.org/a/1"}, bad={"links": [{"url": "learn.unesco.org/a/1"}]},
    ),
    Rule(
        code="url_insecure", path="url", severity="info", part="address", find=_insecure,
        wrong="The address starts with http://, not https://.",
        why="Browsers warn, and schools may block it.",
        mend="Offer the page over https and give that address.",
        good={"url": "https://learn.unesco.org/a/1"}, bad={"url": "http://learn.unesco.org/a/1"},
    ),
    Rule(
        code="url_is_home_page", path="url", severity="warning", part="address", find=_home_page,
        wrong="The address is that of the whole site, not of the resource.",
        why="The reader has to search again on the site.",
        mend="Give the address of the resource's own page.",
        good={"url": "https://learn.unesco.org/?p=12"}, bad={"url": "https://learn.unesco.org/"},
    ),
    Rule(
        code="url_session", path="url", severity="warning", part="address", find=_session,
        wrong="The address holds a session number.",
        why="It stops working when the session ends, and may expose somebody's login.",
        mend="Give the permanent address of the page.",
        good={"url": "https://learn.unesco.org/a/1?side=2"},
        bad={"url": "https://learn.unesco.org/a/1;jsessionid=8A0F"},
    ),
    Rule(
        code="link_repeated", path="links", severity="info", part="address", find=_link_repeated,
        wrong="The same link is listed twice.",
        why="Readers do not know what the second is for.",
        mend="List each file once.",
        good={"links": [{"url": "https://learn.unesco.org/1.pdf"}, {"url": "https://learn.unesco.org/2.pdf"}]},
        bad={"links": [{"url": "https://learn.unesco.org/1.pdf"}, {"url": "https://learn.unesco.org/1.pdf"}]},
    ),
    Rule(
        code="identifier_invalid", path="identifiers", severity="warning", part="address",
        find=from_findings("identifier_invalid"),
        wrong="An identifier is not valid: its check digit or form is wrong.",
        why="It does not identify the resource, so that duplicates are not found.",
        mend="Correct the identifier, or leave it out.",
        good={"findings": []},
        bad={"findings": finding("identifier_invalid", "identifiers[0].value", "978-3-16-148410-1")},
    ),
    Rule(
        code="identifier_placeholder", path="identifiers", severity="warning", part="address",
        find=_identifier_placeholder,
        wrong="An identifier is a placeholder: the software's default prefix, zeros, or an example.",
        why="Many resources of many repositories have the same, so it identifies none.",
        mend="Register a prefix of your own (handle, DOI), or leave the identifier out.",
        good={"identifiers": [{"scheme": "handle", "value": "11599/4321"}]},
        bad={"identifiers": [{"scheme": "handle", "value": "123456789/12"}]},
    ),
    Rule(
        code="identifier_missing", path="identifiers", severity="warning", part="address", find=_identifier_missing,
        wrong="The record has no identifier and no page of its own.",
        why="The same resource at another partner is recognised by its identifier first.",
        mend="Give a DOI, an ISBN, a handle or the resource's own address (LOM 1.1, dc:identifier).",
        good={"identifiers": [{"scheme": "doi", "value": "10.54675/zjte2084"}]}, bad={"identifiers": [], "url": None},
    ),
)  # fmt: skip
