"""Map partners' terms to the library's lists, and find the feeds that were last read with other mappings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from pipeline.feed import mappings_version
from schemas import BadFeed, Environment, TermMapping, sentence

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from loaders.curation import Batch, SeenDecisions


class Outdated(NamedTuple):
    """Feeds whose records were read with other mappings than those in force.

    having: those that have, or had, a term of a mapping; others: those that may have one which a list knows
    """

    having: tuple[str, ...]
    others: tuple[str, ...]


def map_term(
    env: Environment,
    field: str,
    value: str,
    entry: str | None,
    *,
    feed: str | None = None,
    by: str,
    reason: str,
    seen: SeenDecisions | None = None,
) -> Batch:
    """Map a term to an entry of its field's lists, or ignore it (None); return the batch, which counts spellings.

    `entry` is a code, a label in any language, or `list:code`. The other spellings of the term that count as the same
    are mapped too, so that each is seen to be. `feed` is the one that it is for; None for all. Raises CannotDecide
    when no list of the field has the entry, there is no such field or feed, or another has mapped it since what was
    `seen`.
    """
    from loaders.browse import spellings
    from loaders.curation import CannotDecide, map_terms
    from loaders.declarations import feed_in_use
    from loaders.store import read_transaction
    from transforms.normalize.vocabulary import FIELD_SCHEMES, term_key

    if field not in FIELD_SCHEMES:
        raise CannotDecide(
            sentence(
                "%(field)s has no terms; its lists are of %(fields)s",
                field=repr(field),
                fields=", ".join(FIELD_SCHEMES),
            )
        )
    if feed is not None:
        try:
            feed_in_use(env, feed)
        except BadFeed as error:
            why = "; ".join(error.reasons)
            text = sentence("the declaration of %(feed)s cannot be used: %(why)s", feed=feed, why=why)
            raise CannotDecide(text) from error
    scheme, code = (None, None) if entry is None else _resolve(field, entry)
    key = term_key(value)
    with read_transaction(env) as connection:
        same = [each for each in spellings(connection, field) if each != value and term_key(each) == key]
    mappings = [
        TermMapping(field=field, value=each, feed=feed, scheme=scheme, code=code) for each in (*same, value) if each
    ]
    return map_terms(env, mappings, by=by, reason=reason, seen=seen)


def _resolve(field: str, entry: str) -> tuple[str, str]:
    """Return list and code of an entry. Raises CannotDecide when no list of the field has it."""
    from loaders.curation import CannotDecide
    from transforms.normalize.vocabulary import FIELD_SCHEMES, find_code

    scheme, _, code = entry.partition(":")
    if scheme not in FIELD_SCHEMES[field]:
        scheme, code = "", entry
    resolved = find_code(field, scheme or None, code.strip())
    if resolved is None:
        lists = " or ".join(FIELD_SCHEMES[field])
        raise CannotDecide(
            sentence(
                "%(entry)s is no code or label of %(lists)s, the list of %(field)s",
                entry=repr(entry),
                lists=lists,
                field=field,
            )
        )
    return resolved


def _version_for(feed: str, mappings: Sequence[TermMapping]) -> str:
    """Return the part of a transform_version that is of the mappings for a feed; empty without any."""
    for_feed = [each for each in mappings if each.feed in (None, feed)]
    return mappings_version(for_feed) if for_feed else ""


def outdated_feeds(env: Environment) -> Outdated:
    """Return the feeds that a reprocess would read with other mappings than they were read with."""
    from loaders.store import read_kept

    return read_kept(env, _outdated_feeds, env)


def _outdated_feeds(connection: Connection, env: Environment) -> Outdated:
    from loaders.browse import feeds_with_mapped_terms, mapping_versions
    from loaders.catalog import active_mappings

    mappings = active_mappings(env)
    versions, having = mapping_versions(connection), feeds_with_mapped_terms(connection)
    general = _version_for("", mappings)
    own = {feed: _version_for(feed, mappings) for feed in {each.feed for each in mappings} if feed is not None}
    outdated = [feed for feed, used in sorted(versions.items()) if used != {own.get(feed, general)}]
    return Outdated(
        having=tuple(feed for feed in outdated if feed in having),
        others=tuple(feed for feed in outdated if feed not in having),
    )
