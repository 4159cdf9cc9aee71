"""The web: pages for stewards and partners, and the library itself, over the catalog that the night fills."""

from web.application import create_app

__all__ = ["create_app"]
