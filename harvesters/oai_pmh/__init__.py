"""OAI-PMH 2.0 harvesting over sickle, with recovery from what servers get wrong."""

from harvesters.oai_pmh.harvesting import harvest
from harvesters.oai_pmh.one_record import find
from harvesters.oai_pmh.server import check, formats, identify, sets
from harvesters.oai_pmh.sickle_client import Repository

__all__ = [
    "Repository",
    "check",
    "find",
    "formats",
    "harvest",
    "identify",
    "sets",
]
