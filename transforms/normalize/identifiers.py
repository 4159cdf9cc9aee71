"""Recognise DOI, ISBN, ISSN, handle, ark, OAI and URI among citations and noise, and write each in one spelling."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import cast
from urllib.parse import unquote

from stdnum import isbn, issn
from stdnum.exceptions import ValidationError

from schemas import Identifier, IdentifierScheme
from transforms.normalize import urls
from transforms.remembering import remember

_MAX_IDENTIFIER_CHARS = 2048
_MAX_QUOTED_CHARS = 60  # of a wrong identifier, in a finding
_YEARS = range(1400, 2101)  # that "1998-2001" may be, which is no ISSN
_MAX_LOCAL_CHARS, _MAX_LOCAL_SPACES = 80, 2  # of a local number or code

_PREFIX = re.compile(
    r"^(?:urn:|info:)?(doi|(?:e-?|p-?)?isbn|(?:e-?|p-?)?issn|hdl|handle)\b(?!\.)"
    r"(?:(?<=isbn)\s*+(?:-\s*+)?1[03](?!\d)(?=\s*[:\s]))?(?:(?<=issn)\s*+-\s*+l\b)?\s*+(?:[:=/]\s*+)?(?=\S)",
    re.I,
)
_OPENAIRE_PREFIX = re.compile(
    r"^info:eu-repo/(?:semantics/)?(?:altIdentifier|dai/\w+|grantAgreement)/([a-z]+)/(?=\S)", re.I
)
_DOI = re.compile(r"(10\.\d{4,9}(?:\.\d+)*/(?:\(SICI\)\S+|[^\s\"<>{}|\\^`]+))", re.I)  # only a SICI has < and >
_DOI_HOST = re.compile(r"^(?:(?:https?:/{1,2})?(?:www\.)?(?:dx\.)?doi\.org/+(?:doi:\s*)?)+(?=\S)", re.I)
_HANDLE_HOST = re.compile(r"^(?:https?:/{1,2})?(?:www\.)?hdl\.handle\.net/+(?:hdl:)?(?=\S)", re.I)
_HANDLE_PAGE = re.compile(r"^https?://[^/]+/(?:[\w.-]+/){0,2}handle/(\d[\d.]*/[^\s/?#]+)/?$", re.I)
_HANDLE = re.compile(r"\d[\d.]{2,}/[^\s]+")
_ARK = re.compile(r"ark:/*(\d{5,9})/+([^\s?#&]+)", re.I)
_ARK_LANGUAGE = re.compile(r"(?:/[a-z]{3}|\.(?:locale=\w+|multi|nameddest=\w+)|/PDF/[^/]+)$")
_OAI = re.compile(r"oai:[\w./-]+:\S+", re.I)
_URN = re.compile(r"urn:[a-z0-9][a-z0-9-]{1,31}:\S+", re.I)
_ISBN_SHAPE = re.compile(r"(?:97[89][\s-]?)?(?:\d[\s-]?){9}[\dXx]")
_ISSN_SHAPE = re.compile(r"\d{4}-\d{3}[\dXx]")
_TRAILING_NOTE = re.compile(
    r"(?:(?<!\s)\s++)?(?:[(\[][^()\[\]]*[)\]]\s*+$|:\s*+(?:hbk|pbk|ebook|pdf|hardback|paperback|eng|fre|spa)(?s:.*)$)",
    re.I,
)
_SPACED_BRACKET_NOTE = re.compile(r"(?<!\s)\s++[(\[][^()\[\]]*[)\]]$")
_LOCALE = re.compile(r"\?locale(?:-attribute)?=\w+$", re.I)
_LIST_SEPARATOR = re.compile(r"(?:(?<!\s)\s++)?[;,]\s*+")
_PLACEHOLDER = re.compile(
    r"^(?:n\.?/?a\.?|none|null|nil|unknown|undefined|tba|tbd|test|xxx+|\[?s\.? ?n\.?\]?|sin datos|не указан\w*"
    r"|без идентификатора|нема|ไม่มี|لا يوجد|\W*|0+)$",
    re.I,
)

_SCHEME_OF_HINT = {
    **dict.fromkeys(("citation", "bibliographiccitation", "description"), "citation"),
    **dict.fromkeys(("eisbn", "pisbn", "isbn10", "isbn13"), "isbn"),
    **dict.fromkeys(("eissn", "pissn", "issnl"), "issn"),
    "hdl": "handle",
    "digitalobjectidentifier": "doi",
}


@remember(16384)
def read_identifier(statement: str, hint: str | None = None) -> Identifier | None:
    """Return the identifier that a text is, by its shape first and then by the hint; None for noise and bad checksums.

    `hint` is a scheme, a LOM catalog or a DSpace qualifier ("isbn", "citation", "URI"). Values have one spelling:
    DOIs in lower case without a resolver, ISBNs as 13 digits, ISSNs with their hyphen, handles and arks without a
    resolver and arks without UNESDOC's language ("/fre"), addresses in their canonical form.
    """
    text = " ".join(statement.split())
    if not text or len(text) > _MAX_IDENTIFIER_CHARS or (not text.startswith("http") and _PLACEHOLDER.match(text)):
        return None
    scheme, rest = _claimed_scheme(text, hint)
    if scheme == "citation":
        return None
    if scheme not in _READERS:
        return _by_shape(text) or _local_number(text)
    if value := _READERS[scheme](rest):
        return Identifier(scheme=cast(IdentifierScheme, scheme), value=value)
    return _misnamed(scheme, rest)


def split_identifiers(statement: str, hint: str | None = None) -> tuple[str, ...]:
    """Return the single values of a statement that is certainly a list of ISBNs or ISSNs; else the statement itself.

    "ISBN: 978-92-3-100123-9, 978-0-306-40615-7" is two; "Vol. 3, 12" is one.
    """
    pieces = _LIST_SEPARATOR.split(statement.strip()) if len(statement) <= _MAX_IDENTIFIER_CHARS else []
    if len(pieces) < 2:
        return (statement,)
    scheme = _claimed_scheme(pieces[0], hint)[0]
    if not all(_is_isbn_or_issn(piece, scheme or hint) for piece in pieces):
        return (statement,)
    first, *others = pieces
    return (first, *(f"{scheme} {piece}" if scheme in ("isbn", "issn") else piece for piece in others))


def _is_isbn_or_issn(statement: str, hint: str | None) -> bool:
    identifier = read_identifier(statement, hint)
    return identifier is not None and identifier.scheme in ("isbn", "issn")


def explain_invalid(statement: str, hint: str | None = None) -> str | None:
    """Return why a text that claims to be a DOI, ISBN, ISSN or handle is not one; None without such a mistake."""
    text = " ".join(statement.split())
    if not text or _PLACEHOLDER.match(text):
        return None
    scheme, rest = _claimed_scheme(text, hint)
    if scheme not in ("doi", "isbn", "issn", "handle") or read_identifier(statement, hint) is not None:
        return None
    quoted = repr(rest[:_MAX_QUOTED_CHARS])
    if scheme in ("isbn", "issn"):
        digits = len(re.sub(r"[^\dXx]", "", rest))
        valid_lengths = (10, 13) if scheme == "isbn" else (8,)
        reason = "the check digit is wrong" if digits in valid_lengths else f"it has {digits} digits"
        return f"{scheme.upper()} {quoted}: {reason}"
    return f"{scheme.upper() if scheme == 'doi' else scheme} {quoted}: it has no prefix and suffix"


def _claimed_scheme(text: str, hint: str | None) -> tuple[str, str]:
    """Return the scheme that the text or the hint names, or "", and the text without its prefix."""
    if not text.startswith("http"):
        if match := _OPENAIRE_PREFIX.match(text):
            name = match[1].lower()
            return _SCHEME_OF_HINT.get(name, name), text[match.end() :]
        if match := _PREFIX.match(text):
            name = match[1].lower().replace("-", "")
            return _SCHEME_OF_HINT.get(name, name), text[match.end() :]
    if not hint:
        return "", text
    name = re.sub(r"[^a-z0-9]", "", hint.lower())
    return _SCHEME_OF_HINT.get(name, name), text


def _by_shape(text: str) -> Identifier | None:
    if _DOI_HOST.match(text) or (text.startswith("10.") and _DOI.fullmatch(_SPACED_BRACKET_NOTE.sub("", text))):
        return _identifier("doi", _read_doi(text))
    if _HANDLE_HOST.match(text):
        return _identifier("handle", _read_handle(text))
    return _by_prefix(text) or _by_web_address(text) or _bare_number(text)


def _by_prefix(text: str) -> Identifier | None:
    low = text.lower()
    may_be_ark = "ark:" in low and " " not in text and not low.startswith("oai:")
    if may_be_ark and (ark := _identifier("ark", _read_ark(text))):
        return ark
    if low.startswith("oai:") and (oai := _identifier("oai", _read_oai(text))):
        return oai
    if low.startswith("urn:") and _URN.fullmatch(text):
        scheme, namespace, name = text.split(":", 2)
        return Identifier(scheme="uri", value=f"{scheme.lower()}:{namespace.lower()}:{name}")
    return None


def _identifier(scheme: IdentifierScheme, value: str | None) -> Identifier | None:
    return Identifier(scheme=scheme, value=value) if value else None


def _bare_number(text: str) -> Identifier | None:
    """Read a bare ISBN or ISSN, where hyphens or the 978 prefix, and the check digit, leave no doubt."""
    number = _TRAILING_NOTE.sub("", text)
    if _ISBN_SHAPE.fullmatch(number) and (number.startswith(("978", "979")) or number.count("-") == 3):
        return _identifier("isbn", _read_isbn(number))
    if _ISSN_SHAPE.fullmatch(number) and not _is_year_range(number):
        return _identifier("issn", _read_issn(number))
    return None


def _is_year_range(text: str) -> bool:
    first, _, last = text.partition("-")
    return last.isdigit() and int(first) in _YEARS and int(last) in _YEARS


def _read_doi(text: str) -> str | None:
    bare = _SPACED_BRACKET_NOTE.sub("", _DOI_HOST.sub("", text))
    match = _DOI.fullmatch(unquote(bare) if "%" in bare else bare)
    if not match:
        return None
    value = match[1].rstrip(".,;:'").lower()
    while value.endswith((")", "]")) and value.count(")") + value.count("]") > value.count("(") + value.count("["):
        value = value[:-1].rstrip(".,;:'")
    return value if _DOI.fullmatch(value) else None


def _read_isbn(text: str) -> str | None:
    try:
        return str(isbn.to_isbn13(isbn.validate(_TRAILING_NOTE.sub("", text))))
    except ValidationError:
        return None


def _read_issn(text: str) -> str | None:
    try:
        return str(issn.format(issn.validate(_TRAILING_NOTE.sub("", text))))
    except ValidationError:
        return None


def _read_handle(text: str) -> str | None:
    handle = _LOCALE.sub("", _HANDLE_HOST.sub("", text).removeprefix("hdl:").strip()).rstrip("/")
    return handle if _HANDLE.fullmatch(handle) else None


def _read_ark(text: str) -> str | None:
    match = _ARK.search(text)
    if not match:
        return None
    name = match[2].rstrip("/.,;")
    while (shorter := _ARK_LANGUAGE.sub("", name)) != name:
        name = shorter
    return f"ark:/{match[1]}/{name}" if name else None


def _read_oai(text: str) -> str | None:
    return "oai:" + text[4:] if _OAI.fullmatch(text) else None


def _by_web_address(text: str) -> Identifier | None:
    if " " in text.strip() or not (text.lower().startswith(("http", "www.", "//")) or "/" in text):
        return None
    address = urls.web_address(text)
    if address is None:
        return None
    page = _HANDLE_PAGE.match(address)
    if page and not page[1].startswith("123456789/"):
        return Identifier(scheme="handle", value=page[1])
    return _identifier("uri", urls.canonical_url(address))


def _misnamed(scheme: str, text: str) -> Identifier | None:
    """Read what the hint misnames: an address under "doi" or "handle" is still an address; a bad ISBN is nothing."""
    identifier = _by_shape(text)
    if identifier is None or (identifier.scheme == scheme and scheme not in ("uri", "handle", "ark")):
        return None
    return identifier


def _local_number(text: str) -> Identifier | None:
    """Read a local number or code; a text without digits, or of many words, is not one."""
    if len(text) > _MAX_LOCAL_CHARS or text.count(" ") > _MAX_LOCAL_SPACES or not any(map(str.isdigit, text)):
        return None
    return Identifier(scheme="other", value=text)


_READERS: dict[str, Callable[[str], str | None]] = {
    "doi": _read_doi,
    "isbn": _read_isbn,
    "issn": _read_issn,
    "handle": _read_handle,
    "ark": _read_ark,
    "oai": _read_oai,
}
