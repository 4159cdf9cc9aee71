"""Identifiers: DOI, ISBN, ISSN, handle, ark, OAI and URI told apart from citations and noise, in one spelling each."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from urllib.parse import unquote

from stdnum import isbn, issn
from stdnum.exceptions import ValidationError

from schemas import Identifier, IdentifierScheme
from transforms.normalize import urls

_LONGEST = 2048  # characters

_PREFIX = re.compile(
    r"^(?:urn:|info:)?(doi|(?:e-?|p-?)?isbn|(?:e-?|p-?)?issn|hdl|handle)\b(?!\.)"
    r"(?:(?<=isbn)\s*+(?:-\s*+)?1[03](?!\d)(?=\s*[:\s]))?(?:(?<=issn)\s*+-\s*+l\b)?\s*+(?:[:=/]\s*+)?(?=\S)",
    re.I,
)
_ALT = re.compile(r"^info:eu-repo/(?:semantics/)?(?:altIdentifier|dai/\w+|grantAgreement)/([a-z]+)/(?=\S)", re.I)
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
_NOTE = re.compile(
    r"(?:(?<!\s)\s++)?(?:[(\[][^()\[\]]*[)\]]\s*+$|:\s*+(?:hbk|pbk|ebook|pdf|hardback|paperback|eng|fre|spa)(?s:.*)$)",
    re.I,
)
_SPACED_NOTE = re.compile(r"(?<!\s)\s++[(\[][^()\[\]]*[)\]]$")
_LOCALE = re.compile(r"\?locale(?:-attribute)?=\w+$", re.I)
_SEVERAL = re.compile(r"(?:(?<!\s)\s++)?[;,]\s*+")
_NOTHING = re.compile(
    r"^(?:n\.?/?a\.?|none|null|nil|unknown|undefined|tba|tbd|test|xxx+|\[?s\.? ?n\.?\]?|sin datos|не указан\w*"
    r"|без идентификатора|нема|ไม่มี|لا يوجد|\W*|0+)$",
    re.I,
)

_HINTS = {
    **dict.fromkeys(("citation", "bibliographiccitation", "description"), "citation"),
    **dict.fromkeys(("eisbn", "pisbn", "isbn10", "isbn13"), "isbn"),
    **dict.fromkeys(("eissn", "pissn", "issnl"), "issn"),
    "hdl": "handle",
    "digitalobjectidentifier": "doi",
}


@lru_cache(maxsize=16384)
def identifier(said: str, hint: str | None = None) -> Identifier | None:
    """The identifier that was said, by its shape first and then by the hint; None for noise and bad checksums.

    `hint` is a scheme, a LOM catalog or a DSpace qualifier ("isbn", "citation", "URI"). Values have one spelling:
    DOIs in lower case without a resolver, ISBNs as 13 digits, ISSNs with their hyphen, handles and arks without a
    resolver and arks without UNESDOC's language ("/fre"), addresses in their canonical form.
    """
    text = " ".join(said.split())
    if not text or len(text) > _LONGEST or (not text.startswith("http") and _NOTHING.match(text)):
        return None
    kind, rest = _scheme_said(text, hint)
    if kind == "citation":
        return None
    read = _BY_SCHEME.get(kind)
    if read is not None:
        value = read(rest)
        return Identifier(scheme=_scheme(kind), value=value) if value else _address_or_nothing(kind, rest)
    return _by_shape(text) or _other(text)


def parted(said: str, hint: str | None = None) -> tuple[str, ...]:
    """The single values where a statement is surely a list of ISBNs or ISSNs; else the statement itself.

    "ISBN: 978-92-3-100123-9, 978-0-306-40615-7" is two; "Vol. 3, 12" is one.
    """
    pieces = _SEVERAL.split(said.strip()) if ("," in said or ";" in said) and len(said) <= _LONGEST else []
    kind = _scheme_said(pieces[0], hint)[0] if pieces else ""
    found = [identifier(piece, kind or hint) for piece in pieces]
    if len(found) > 1 and all(one is not None and one.scheme in ("isbn", "issn") for one in found):
        first, *others = pieces
        return (first, *(f"{kind} {piece}" if kind in ("isbn", "issn") else piece for piece in others))
    return (said,)


def invalid(said: str, hint: str | None = None) -> str | None:
    """Why what claims to be a DOI, ISBN, ISSN or handle is none; None when it makes no such claim or is one."""
    text = " ".join(said.split())
    if not text or _NOTHING.match(text):
        return None
    kind, rest = _scheme_said(text, hint)
    if kind not in ("doi", "isbn", "issn", "handle") or identifier(said, hint) is not None:
        return None
    if kind in ("isbn", "issn"):
        digits = len(re.sub(r"[^\dXx]", "", rest))
        right = (10, 13) if kind == "isbn" else (8,)
        why = "the check digit is wrong" if digits in right else f"it has {digits} digits"
        return f"{kind.upper()} {rest[:60]!r}: {why}"
    return f"{kind.upper() if kind == 'doi' else kind} {rest[:60]!r}: it has no prefix and suffix"


@lru_cache(maxsize=4096)
def is_placeholder(found: Identifier) -> bool:
    """Whether unrelated records share it: DSpace's default handle prefix, test prefixes, zeros, bare hosts."""
    value = found.value
    if found.scheme == "handle":
        return value.startswith(("123456789/", "12345/", "0/"))
    if found.scheme == "doi":
        return (
            value.startswith(("10.5072/", "10.0000/", "10.1234/", "10.12345/", "10.99999/", "10.xxxx/"))
            or "xxxx" in value
        )
    if found.scheme == "uri":
        return not re.match(r"(?:https?://[^/]+[/?#].|urn:)", value) or "//localhost" in value
    if found.scheme == "oai":
        return value.startswith(
            ("oai:localhost:", "oai:generic.eprints.org:", "oai:example.org:", "oai:dspace.example")
        )
    digits = re.sub(r"\D", "", value)
    return (found.scheme == "isbn" and len(set(digits[3:])) <= 2) or not digits.strip("0") or _is_bare_number(found)


def _is_bare_number(found: Identifier) -> bool:
    return found.scheme == "other" and found.value.isdigit() and len(found.value) < 6


def _scheme_said(text: str, hint: str | None) -> tuple[str, str]:
    """The scheme that the text or the hint names, and the text without its prefix; "" when neither names one."""
    if not text.startswith("http"):
        if alternative := _ALT.match(text):
            name = alternative[1].lower()
            return _HINTS.get(name, name), text[alternative.end() :]
        if prefix := _PREFIX.match(text):
            name = prefix[1].lower().replace("-", "")
            return _HINTS.get(name, name), text[prefix.end() :]
    if not hint:
        return "", text
    name = re.sub(r"[^a-z0-9]", "", hint.lower())
    return _HINTS.get(name, name), text


def _by_shape(text: str) -> Identifier | None:
    if _DOI_HOST.match(text) or (text.startswith("10.") and _DOI.fullmatch(_SPACED_NOTE.sub("", text))):
        value = _doi(text)
        return Identifier(scheme="doi", value=value) if value else None
    if _HANDLE_HOST.match(text):
        value = _handle(text)
        return Identifier(scheme="handle", value=value) if value else None
    low = text.lower()
    if "ark:" in low and " " not in text and not low.startswith("oai:"):
        value = _ark(text)
        if value:
            return Identifier(scheme="ark", value=value)
    if low.startswith("oai:") and _OAI.fullmatch(text):
        return Identifier(scheme="oai", value="oai:" + text[4:])
    if low.startswith("urn:") and _URN.fullmatch(text):
        return Identifier(scheme="uri", value=_urn(text))
    return _address(text) or _number(text)


def _number(text: str) -> Identifier | None:
    """A bare ISBN or ISSN: only where hyphens or the 978 prefix, and the check digit, leave no doubt."""
    bare = _NOTE.sub("", text)
    if _ISBN_SHAPE.fullmatch(bare) and (bare.startswith(("978", "979")) or bare.count("-") == 3):
        value = _isbn(bare)
        return Identifier(scheme="isbn", value=value) if value else None
    if _ISSN_SHAPE.fullmatch(bare) and not _is_years(bare):
        value = _issn(bare)
        return Identifier(scheme="issn", value=value) if value else None
    return None


def _is_years(text: str) -> bool:
    first, _, last = text.partition("-")
    return last.isdigit() and 1400 <= int(first) <= 2100 and 1400 <= int(last) <= 2100


def _doi(text: str) -> str | None:
    bare = _SPACED_NOTE.sub("", _DOI_HOST.sub("", text))
    found = _DOI.fullmatch(unquote(bare) if "%" in bare else bare)
    if not found:
        return None
    value = found[1].rstrip(".,;:'").lower()
    while value.endswith((")", "]")) and value.count(")") + value.count("]") > value.count("(") + value.count("["):
        value = value[:-1].rstrip(".,;:'")
    return value if _DOI.fullmatch(value) else None


def _isbn(text: str) -> str | None:
    bare = _NOTE.sub("", text)
    try:
        return str(isbn.to_isbn13(isbn.validate(bare)))
    except ValidationError:
        return None


def _issn(text: str) -> str | None:
    try:
        return str(issn.format(issn.validate(_NOTE.sub("", text))))
    except ValidationError:
        return None


def _handle(text: str) -> str | None:
    bare = _LOCALE.sub("", _HANDLE_HOST.sub("", text).removeprefix("hdl:").strip()).rstrip("/")
    return bare if _HANDLE.fullmatch(bare) else None


def _ark(text: str) -> str | None:
    found = _ARK.search(text)
    if not found:
        return None
    name = found[2].rstrip("/.,;")
    while (shorter := _ARK_LANGUAGE.sub("", name)) != name:
        name = shorter
    return f"ark:/{found[1]}/{name}" if name else None


def _oai(text: str) -> str | None:
    return "oai:" + text[4:] if _OAI.fullmatch(text) else None


def _urn(text: str) -> str:
    scheme, space, name = text.split(":", 2)
    return f"{scheme.lower()}:{space.lower()}:{name}"


def _address(text: str) -> Identifier | None:
    if " " in text.strip() or not (text.lower().startswith(("http", "www.", "//")) or "/" in text):
        return None
    address = urls.web_address(text)
    if address is None:
        return None
    page = _HANDLE_PAGE.match(address)
    if page and not page[1].startswith("123456789/"):
        return Identifier(scheme="handle", value=page[1])
    value = urls.canonical(address)
    return Identifier(scheme="uri", value=value) if value else None


def _address_or_nothing(kind: str, text: str) -> Identifier | None:
    """What a hint misnamed: an address under "doi" or "handle" is still an address; a bad ISBN is nothing."""
    found = _by_shape(text)
    return found if found is not None and (found.scheme in ("uri", "handle", "ark") or found.scheme != kind) else None


def _other(text: str) -> Identifier | None:
    """A local number or code; anything that reads like words is none."""
    if len(text) > 80 or text.count(" ") > 2 or not any(letter.isdigit() for letter in text):
        return None
    return Identifier(scheme="other", value=text)


def _scheme(kind: str) -> IdentifierScheme:
    schemes: dict[str, IdentifierScheme] = {
        "doi": "doi",
        "isbn": "isbn",
        "issn": "issn",
        "handle": "handle",
        "ark": "ark",
        "oai": "oai",
    }
    return schemes[kind]


_BY_SCHEME: dict[str, Callable[[str], str | None]] = {
    "doi": _doi,
    "isbn": _isbn,
    "issn": _issn,
    "handle": _handle,
    "ark": _ark,
    "oai": _oai,
}
