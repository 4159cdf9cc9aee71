"""The library as an OAI-PMH 2.0 repository, at /oai: other libraries harvest it as we harvest partners."""

from web.oai.pages_ahead import PagesAhead
from web.oai.provider import router

__all__ = ["PagesAhead", "router"]
