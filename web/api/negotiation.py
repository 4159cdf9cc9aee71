"""Choose the format of a resource: by the suffix of its address, or by the request's Accept (RFC 9110, 12.5.1)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from transforms.exports import EXPORTS, Export

_AMB_PROFILE = "https://w3id.org/kim/amb/latest/"
_LOM_PROFILE = "http://ltsc.ieee.org/xsd/LOM"
_DC_PROFILE = "http://www.openarchives.org/OAI/2.0/oai_dc/"
_MAX_RANGES = 50  # of an Accept header that are looked at


class Offer(NamedTuple):
    """A format that is offered: its export, its suffix, and its media type with a profile where others share it.

    aliases: other media types by which it is asked for; `text/html` is what browsers ask for
    """

    export: Export
    suffix: str
    media_type: str
    profile: str = ""
    aliases: tuple[str, ...] = ()

    @property
    def content_type(self) -> str:
        """Return the media type as Content-Type has it."""
        profile = f'; profile="{self.profile}"' if self.profile else ""
        charset = "; charset=utf-8" if self.media_type.endswith("xml") else ""
        return f"{self.media_type}{profile}{charset}"


OFFERS = (  # the first of several that fit equally well is chosen
    Offer(EXPORTS["json"], ".json", "application/json", aliases=("text/html",)),
    Offer(EXPORTS["lrmi"], ".jsonld", "application/ld+json"),
    Offer(EXPORTS["amb"], ".amb.json", "application/ld+json", profile=_AMB_PROFILE),
    Offer(EXPORTS["oai_dc"], ".oai_dc.xml", "application/xml", profile=_DC_PROFILE, aliases=("text/xml",)),
    Offer(EXPORTS["lom"], ".lom.xml", "application/xml", profile=_LOM_PROFILE, aliases=("text/xml",)),
    Offer(EXPORTS["marcxml"], ".marcxml", "application/marcxml+xml"),
)
SUFFIXES: Mapping[str, Offer] = {
    **{offer.export.suffix: offer for offer in OFFERS},  # as the files of `elib export` are called
    **{offer.suffix: offer for offer in OFFERS},
}


class MediaRange(NamedTuple):
    """A part of Accept: type/subtype, perhaps with `*`, a profile ("" for none), and its quality from 0 to 1."""

    type: str
    profile: str
    quality: float


def read_accept(header: str) -> list[MediaRange]:
    """Read an Accept header; a part that cannot be read is left out."""
    ranges = []
    for part in _parts(header, ",")[:_MAX_RANGES]:
        name, *rest = _parts(part, ";") or [""]
        if name.count("/") == 1:
            parameters = dict(_parameter(each) for each in rest)
            quality = _quality(parameters.get("q", "1"))
            ranges.append(MediaRange(name.lower(), parameters.get("profile", ""), quality))
    return ranges


def _parts(text: str, separator: str) -> Sequence[str]:
    """Return the parts between separators that are not within quotes; none that is empty."""
    parts, start, is_quoted = [], 0, False
    for place, letter in enumerate(text):
        if letter == '"':
            is_quoted = not is_quoted
        elif letter == separator and not is_quoted:
            parts.append(text[start:place].strip())
            start = place + 1
    return [part for part in (*parts, text[start:].strip()) if part]


def _parameter(text: str) -> tuple[str, str]:
    """Return name and value of a parameter; the parser of `email` fails at some that anybody may send."""
    name, _, value = text.partition("=")
    value = value.strip()
    is_quoted = len(value) > 1 and value.startswith('"') and value.endswith('"')
    return name.strip().lower(), value[1:-1] if is_quoted else value


def _quality(text: str) -> float:
    """Return a quality value; 1 for one that is none, as if it were not there."""
    digits = text.strip().replace(".", "", 1)
    return min(float(text), 1.0) if digits.isascii() and digits.isdigit() else 1.0


def choose(header: str | None) -> Offer | None:
    """Return the offer that an Accept header prefers; the shared record without one; None when none fits."""
    ranges = read_accept(header) if header is not None else []
    if not ranges:
        return OFFERS[0]
    best, best_quality = None, 0.0
    for offer in OFFERS:
        by_alias = [each.quality for each in ranges if each.type in offer.aliases and not each.profile]
        quality = max([_quality_of(offer, ranges), *by_alias])
        if quality > best_quality:
            best, best_quality = offer, quality
    return best


def _quality_of(offer: Offer, ranges: Sequence[MediaRange]) -> float:
    """Return the quality that the most specific range for an offer gives it; 0 when there is none."""
    fitting = [(specificity, each.quality) for each in ranges if (specificity := _specificity(offer, each)) is not None]
    most = max((specificity for specificity, _ in fitting), default=0)
    return max((quality for specificity, quality in fitting if specificity == most), default=0.0)


def _specificity(offer: Offer, wanted: MediaRange) -> int | None:
    if wanted.profile:
        return 3 if wanted.type == offer.media_type and offer.profile in wanted.profile.split() else None
    if wanted.type == offer.media_type:
        return 2
    family = offer.media_type.partition("/")[0]
    return {f"{family}/*": 1, "*/*": 0}.get(wanted.type)
