"""The shared record itself as JSON: nothing is lost, and no crosswalk is needed to read it back."""

from __future__ import annotations

from typing import Any

from schemas import Published, Withdrawn
from transforms.exports.texts import encode_json
from transforms.exports.values import attribution

CANNOT_CARRY: dict[str, str] = {}


def render(published: Published) -> str:
    """Return an object with the id, when it became visible, where it comes from, and the record."""
    return _to_json(
        {
            "id": published.id,
            "visible_at": published.visible_at,
            "address": published.address,
            "feeds": published.feeds,
            "partners": published.partners,
            "metadata_license": published.metadata_license,
            "attribution": attribution(published.record),
            "record": published.record,
        }
    )


def render_deletion(withdrawn: Withdrawn) -> str:
    """Return an object with the id, when it was withdrawn, and the id to use instead."""
    return _to_json(
        {
            "id": withdrawn.id,
            "visible_at": withdrawn.visible_at,
            "deleted": True,
            "redirect": withdrawn.redirect,
        }
    )


def _to_json(document: dict[str, Any]) -> str:
    return encode_json({name: value for name, value in document.items() if value is not None})
