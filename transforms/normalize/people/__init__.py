"""Names of people and organisations."""

from transforms.normalize.people.contributors import contributor, publisher

__all__ = [
    "contributor",
    "publisher",
]
