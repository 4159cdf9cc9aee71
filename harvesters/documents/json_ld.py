"""The schema.org objects in a page's JSON-LD blocks, each exactly as it is written.

https://www.w3.org/TR/json-ld11/#embedding-json-ld-in-html-documents
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import msgspec

# how some pages begin a script that they wrap in a comment or in CDATA
_WRAPPER = re.compile(r"<!--(?:[^{\[>]*+>)?|(?:(?://|/\*)\s*+)?<!\[CDATA\[(?:\s*+\*/)?")
_BLANKS = "".join(filter(str.isspace, map(chr, range(0x3001)))) + "\u200b\ufeff"
_TYPE_START = re.compile(r"[/:#]")
_TYPE = re.compile(r'"@type"\s*+:\s*+(?:\[\s*+)?"([^"]*)"')
# what is mended in a block that is not valid JSON; what never ends, ends with the block
_TOKEN = re.compile(
    r'(?P<string>"(?:[^"\\]++|\\.)*(?:"|\Z))|(?P<comment>//[^\n]*+|/\*(?:[^*]++|\*(?!/))*(?:\*/|\Z))|(?P<end>[}\]])',
    re.S,
)
_CONTROL = re.compile(r"[\x00-\x1f]")
# types that describe a page and its site, and no learning resource
SITE_TYPES = frozenset(
    {
        *("WebSite", "WebPage", "CollectionPage", "SearchResultsPage", "ContactPage", "AboutPage", "ProfilePage"),
        *("CheckoutPage", "FAQPage", "QAPage", "Question", "Answer", "Comment"),  # questions on the page
        *("Organization", "NGO", "CollegeOrUniversity", "EducationalOrganization", "Person"),
        *("School", "ElementarySchool", "MiddleSchool", "HighSchool", "Preschool", "Library", "Corporation"),
        *("GovernmentOrganization", "ResearchOrganization", "LocalBusiness", "Store", "OnlineStore", "Brand"),
        *("Offer", "AggregateOffer", "AggregateRating", "Rating", "Review", "UserReview", "PostalAddress"),
        *("ContactPoint", "SpeakableSpecification", "InteractionCounter"),
        *("BreadcrumbList", "ItemList", "ListItem", "SiteNavigationElement", "WPHeader", "WPFooter", "WPSideBar"),
        *("SearchAction", "ImageObject", "DefinedTerm", "Audience", "EducationalAudience", "Language", "Place"),
    }
)
# what a resource may name by an @id alone: who took part, a term, an audience, a picture, a language
_REFERRED_TYPES = frozenset(
    {
        *("Person", "Organization", "NGO", "CollegeOrUniversity", "EducationalOrganization"),
        *("DefinedTerm", "Audience", "EducationalAudience", "ImageObject", "Language", "Place"),
    }
)
_INSIDE = ("mainEntity", "itemListElement", "item")  # members of a page or list that hold what it is about
_NOT_ENTERED = frozenset({"BreadcrumbList", "SiteNavigationElement"})  # their items are the site's own pages
_MAX_DEPTH = 20  # of objects in the members above
_MAX_REFERRED = 100  # of one resource


class BrokenBlock(NamedTuple):
    """A block that cannot be read although it is mended: the text, and why."""

    text: str
    reason: str


def blocks(texts: Iterable[str]) -> tuple[list[bytes], list[BrokenBlock]]:
    """Return the objects of a page's blocks that may be learning resources, and the blocks that cannot be read.

    Objects of a page or list are entered only where no other object is a resource. An object that refers to a person,
    organization, term or picture of the page is returned in a graph with it.
    """
    objects, broken = _read_blocks(texts)
    resources = about_resources(objects) or about_resources(inner for node in objects for inner in _inside(node))
    referred = {_identity(node): node for node in objects if types_of(node) & _REFERRED_TYPES and _identity(node)}
    return [_with_referred(node, referred) for node in resources], broken


def _read_blocks(texts: Iterable[str]) -> tuple[list[bytes], list[BrokenBlock]]:
    """Return the objects of a page's blocks, and the blocks that cannot be read."""
    objects: list[bytes] = []
    broken: list[BrokenBlock] = []
    for text in filter(None, map(_unwrapped, texts)):
        try:
            objects += _objects(_valid(text))
        except (msgspec.DecodeError, RecursionError, UnicodeError) as error:
            if _may_hold_a_resource(text):
                broken.append(BrokenBlock(text, f"its JSON-LD is not valid JSON: {error}"))
    return objects, broken


def _may_hold_a_resource(text: str) -> bool:
    """Return whether a block that cannot be read may be of a resource: a broken list of links is no loss."""
    types = {_TYPE_START.split(name)[-1] for name in _TYPE.findall(text)}
    return not types or not types <= SITE_TYPES


def about_resources(nodes: Iterable[bytes]) -> list[bytes]:
    """Return the objects that are not only about the page or its site."""
    return [node for node in nodes if not types_of(node) <= SITE_TYPES]


def types_of(node: bytes) -> set[str]:
    """Return the names of an object's types, without the vocabulary's address or prefix."""
    types: Any = msgspec.json.decode(node).get("@type", [])
    return {_TYPE_START.split(str(name))[-1] for name in (types if isinstance(types, list) else [types])}


def _unwrapped(script: str) -> str:
    """Return a script without the comment or CDATA section around it, and without a last semicolon."""
    text = script.strip(_BLANKS)
    if begin := _WRAPPER.match(text):
        text = text[begin.end() :].lstrip(_BLANKS)
    text = text.removesuffix(";").rstrip()
    if text.endswith("-->"):
        return text[:-3].strip()
    inner = text.removesuffix("*/").rstrip()
    if not inner.endswith("]]>"):
        return text.strip()
    inner = inner[:-3].rstrip()
    return (inner[:-2] if inner.endswith(("//", "/*")) else inner).strip()


def _valid(text: str) -> bytes:
    """Return a block that is valid JSON: as it is written, or mended. Raises msgspec.DecodeError, RecursionError."""
    written = text.encode()
    try:
        msgspec.json.decode(written)
    except msgspec.DecodeError:
        escaped = '"' not in text  # a template escaped the script as if it were text
        written = _mended(html.unescape(text) if escaped else text).strip().encode()
        msgspec.json.decode(written)
    return written


def _mended(text: str) -> str:
    """Return JSON without comments and trailing commas, and with control characters in strings escaped."""
    parts: list[str] = []
    copied = 0
    for token in _TOKEN.finditer(text):
        parts.append(text[copied : token.start()])
        copied = token.end()
        if token["string"] is not None:
            parts.append(_CONTROL.sub(lambda match: f"\\u{ord(match[0]):04x}", token[0]))
        elif token["end"] is not None:
            _drop_trailing_comma(parts)
            parts.append(token[0])
    return "".join([*parts, text[copied:]])


def _drop_trailing_comma(parts: list[str]) -> None:
    """Remove a comma that is the last of the parts but for white space."""
    at = len(parts) - 1
    while at > 0 and not parts[at].strip():
        at -= 1
    if at >= 0 and parts[at].rstrip().endswith(","):
        parts[at:] = [parts[at].rstrip()[:-1]]


def _objects(written: bytes) -> list[bytes]:
    """Return the objects of a block, out of its array or its @graph, each exactly as it is written.

    An object that has a @graph and a type of its own is one of them.
    """
    if written[:1] == b"[":
        elements = msgspec.json.decode(written, type=list[msgspec.Raw])
        return [node for element in elements for node in _objects(bytes(element))]
    if written[:1] != b"{":
        return []
    members = msgspec.json.decode(written, type=dict[str, msgspec.Raw])
    if "@graph" not in members:
        return [written]
    return [*([written] if "@type" in members else []), *_objects(bytes(members["@graph"]))]


def _inside(node: bytes, depth: int = 0) -> Iterator[bytes]:
    """Yield the objects in an object about a page or a list, each exactly as it is written."""
    if depth > _MAX_DEPTH or types_of(node) & _NOT_ENTERED:
        return
    members = msgspec.json.decode(node, type=dict[str, msgspec.Raw])
    for inner in (inner for name in _INSIDE if name in members for inner in _objects(bytes(members[name]))):
        yield inner
        if types_of(inner) <= SITE_TYPES:
            yield from _inside(inner, depth + 1)


def _identity(node: bytes) -> str:
    identity = msgspec.json.decode(node).get("@id")
    return identity if isinstance(identity, str) else ""


def _with_referred(node: bytes, referred: dict[str, bytes]) -> bytes:
    """Return a resource in a graph with the persons, terms and pictures that it names by nothing but their @id."""
    members = msgspec.json.decode(node).values()
    values = [value for member in members for value in (member if isinstance(member, list) else [member])]
    named = [referred[identity] for identity in sorted(set(map(_reference, values))) if identity in referred]
    return b'{"@graph":[' + b",".join([node, *named[:_MAX_REFERRED]]) + b"]}" if named else node


def _reference(value: Any) -> str:
    """Return the @id of an object that has nothing else; empty for other values."""
    identity = value.get("@id") if isinstance(value, dict) and len(value) == 1 else None
    return identity if isinstance(identity, str) else ""
