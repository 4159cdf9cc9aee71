"""Read a declaration that another version of this program found good: what this version does not accept is left out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import ValidationError

from schemas.feed.checks import wrong_in
from schemas.feed.declaration import SECTIONS, Feed

_Place = tuple[str, ...]  # a key, or a section and a key in it
_KEEP = frozenset({("url",), ("format",), ("identifier",)})  # a key without a default keeps even an odd value


def read_leniently(name: str, declaration: Mapping[str, Any]) -> tuple[Feed, tuple[str, ...]]:
    """Return the feed that a kept declaration describes, and the keys that were left out, in order.

    Unknown keys are left out; a key of which the value is not accepted falls to its default. Never raises.
    """
    keys = {key: dict(value) if isinstance(value, dict) else value for key, value in declaration.items()}
    left_out: list[str] = []
    while True:
        feed, wrong = _read(name, keys)
        removed = [place for place in dict.fromkeys(wrong) if _remove(keys, place)]
        left_out += [".".join(place) for place in removed]
        if not removed:
            return feed, tuple(sorted(left_out))


def _read(name: str, keys: Mapping[str, Any]) -> tuple[Feed, Iterable[_Place]]:
    """The feed, and the places of what is not accepted; with a ValidationError the feed is a stand-in."""
    stand_in = {"title": name, "partner": "-", "protocol": "files", "url": f"inbox:{name}"}
    try:
        feed = Feed.model_validate({**stand_in, **keys, "name": name})
    except ValidationError as error:
        return Feed.model_validate({**stand_in, "name": name}), [_place(one["loc"]) for one in error.errors()]
    places = [_place(reason.partition(":")[0].split(".")) for reason in wrong_in(feed.model_dump())]
    return feed, [place for place in places if place not in _KEEP]


def _place(parts: Iterable[Any]) -> _Place:
    first, *rest = map(str, parts)
    return (first, *rest[:1]) if first in SECTIONS else (first,)


def _remove(keys: dict[str, Any], place: _Place) -> bool:
    """Whether there was something to remove."""
    *section, key = place
    inside = keys.get(section[0]) if section else keys
    if not isinstance(inside, dict) or key not in inside:
        return False
    del inside[key]
    return True
