"""Under which licence a resource's metadata may be passed on, by the feed files of the records that it was merged from.

The order, and what is done about licences that cannot be combined: docs/decisions/087-licence-of-the-metadata.md.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence

from schemas import CC0, Feed, License
from transforms.normalize.license import conditions, license_of

MetadataLicense = Callable[[Sequence[str]], str | None]  # names of feeds → URI; None: not to be passed on
_CC_4 = "https://creativecommons.org/licenses/{}/4.0/"
_CC0 = license_of(["CC0-1.0"])
_ELEMENTS = ("by", "nc", "nd", "sa")  # in the order of Creative Commons' names


def metadata_license(feeds: Iterable[Feed], unconsented: Collection[str] = ()) -> MetadataLicense:
    """Return a function that gives the licence of a resource's metadata, as a URI, by the names of its records' feeds.

    A feed whose file states none has CC0. The function returns None where the metadata may not be passed on: a feed is
    in `unconsented`, or states a licence that is not known.
    """
    licenses = {
        feed.name: license_of([feed.metadata_license]) if feed.metadata_license else _CC0
        for feed in feeds
        if feed.name not in unconsented
    }
    refused = frozenset(unconsented)
    known: dict[tuple[str, ...], str | None] = {}

    def license_of_feeds(names: Sequence[str]) -> str | None:
        key = tuple(names)
        if key not in known:
            known[key] = None if refused & {*key} else combined([licenses.get(name, _CC0) for name in key])
        return known[key]

    return license_of_feeds


def combined(licenses: Iterable[License | None]) -> str | None:
    """Return the URI of the licence that keeps every condition of all of these; None where one is not known.

    It is one of them where one has every condition. Else it is the licence of Creative Commons 4.0 with the conditions
    of all: BY-SA and BY-NC give BY-NC-SA. Under ND nothing that is changed may be passed on, so that SA has no object.
    """
    by_uri: dict[str, frozenset[str]] = {}
    for license_ in licenses:
        if license_ is None or license_.uri is None or not conditions(license_) <= {*_ELEMENTS}:
            return None
        by_uri[license_.uri] = _effective(conditions(license_))
    wanted = _effective(frozenset().union(*by_uri.values()))
    # Creative Commons' before others, then the latest version: "4.0" is behind "3.0"
    whole = sorted(by_uri, key=lambda uri: (by_uri[uri] == wanted, "creativecommons.org" in uri, uri))
    return whole[-1] if whole and by_uri[whole[-1]] == wanted else _of_creative_commons(wanted)


def _of_creative_commons(wanted: frozenset[str]) -> str:
    return _CC_4.format("-".join(each for each in _ELEMENTS if each in wanted)) if wanted else CC0


def _effective(its_conditions: frozenset[str]) -> frozenset[str]:
    return its_conditions - {"sa"} if "nd" in its_conditions else its_conditions
