"""From statements of rights to licences: URI, SPDX name, label and whether the licence is open."""

from transforms.normalize.license.permissions import conditions, narrows, strictness
from transforms.normalize.license.recognition import licenses_named
from transforms.normalize.license.statement import contradictory, license_of

__all__ = [
    "conditions",
    "contradictory",
    "license_of",
    "licenses_named",
    "narrows",
    "strictness",
]
