"""Find kinds by the codes of other authorities: COAR, DataCite, schema.org, MARC 21 and RDA."""

from __future__ import annotations

from functools import lru_cache

from schemas import read_vocabulary


def code_by_authority(authority: str, code: str, *, carrier: bool = False) -> str | None:
    """Return the library's code for an entry of an authority's list of kinds; None for what the list lacks.

    With `carrier` the entries that only say what carries a resource are read, such as schema.org's WebPage. Raises
    KeyError for an authority that resource_type_authorities.toml does not name.
    """
    return _codes(authority)[carrier].get(code.strip().casefold())


def coar_code(term: str) -> str | None:
    """Return the library's code for a COAR resource type by its URI or the last part of it; None for another term."""
    return code_by_authority("coar", term.strip().rstrip("/").rpartition("/")[2])


@lru_cache(maxsize=16)
def _codes(authority: str) -> tuple[dict[str, str], dict[str, str]]:
    """Return the entries of an authority, and those of its carriers, with the library's codes."""
    lists = read_vocabulary("resource_type_authorities")
    return _by_entry(lists[authority]), _by_entry(lists.get(f"{authority}_carriers", {}))


def _by_entry(rows: dict[str, list[str]]) -> dict[str, str]:
    return {entry: code for code, entries in rows.items() for entry in entries}
