"""Names of people and organisations."""

from transforms.normalize.people.contributors import read_authority_id, read_contributors, read_publisher
from transforms.normalize.people.corporate import is_corporate
from transforms.normalize.people.names import role_phrase

__all__ = [
    "is_corporate",
    "read_authority_id",
    "read_contributors",
    "read_publisher",
    "role_phrase",
]
