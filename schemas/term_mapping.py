"""A steward's code for a partner's term, laid over the lists in schemas/vocabularies."""

from __future__ import annotations

from schemas.base import Base


class TermMapping(Base, frozen=True, kw_only=True):
    """What a term of a field means, from a row of `term_mapping`.

    id: number of the mapping; a higher one is newer
    field: of the shared record; or `language`, `role` or `relation_kind`, of a part of one
    value: the term as the partner wrote it
    feed: the feed that it is for; None for all
    scheme: the list that has the code; None when the term is ignored
    code: the code in that list; None when the term is ignored
    """

    id: int = 0
    field: str
    value: str
    feed: str | None = None
    scheme: str | None = None
    code: str | None = None
