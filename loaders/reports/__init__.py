"""Pages for stewards and partners, made from the catalog: self-contained HTML in four languages, and JSON beside."""

from loaders.reports.night import night

__all__ = ["night"]
