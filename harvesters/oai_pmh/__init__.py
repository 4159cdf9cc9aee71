"""OAI-PMH 2.0 harvesting over sickle, with recovery from what servers do wrong."""

from harvesters.oai_pmh.server import identify
from harvesters.oai_pmh.sickle_client import Repository

__all__ = [
    "Repository",
    "identify",
]
