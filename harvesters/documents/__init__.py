"""Feeds that are documents: CSV, RSS and Atom, sitemaps with embedded JSON-LD, files and zips."""

__all__ = []
