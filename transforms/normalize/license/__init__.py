"""Licence statements to URI, SPDX name, label and whether they are open."""

from transforms.normalize.license.statement import contradictory, license_of

__all__ = [
    "contradictory",
    "license_of",
]
