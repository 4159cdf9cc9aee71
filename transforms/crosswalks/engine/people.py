"""Contributors and publishers, from plain names and vCards."""

from __future__ import annotations

from transforms.crosswalks.engine.table import Group, Value, add_unmapped
from transforms.crosswalks.engine.vcard import is_vcard, read_vcards
from transforms.draft import PERSONAL, strip_emails

_PUBLISHER_ROLES = frozenset(
    {"publisher", "pbl", "issuing body", "éditeur commercial", "издатель", "ناشر", "издавач", "izdavač", "สำนักพิมพ์"}
    | {"editorial", "editora", "verlag"}
)


def add_contributor(group: Group, value: Value, role: str, kind: str | None = None, id_: str | None = None) -> None:
    """Add a name, or everyone whom a vCard names, to the contributors; to the publishers in a publisher's role.

    The hint of a contributor is `role|kind|id`, or the role alone.
    """
    if not is_vcard(value.text):
        _add_name(group, value, value.text, role, kind, id_)
        return
    cards = read_vcards(value.text)
    if not cards:
        add_unmapped(group.draft, value.path, "a vCard that names nobody")
    for card in cards:
        _add_name(group, value, card.name, role, card.kind or kind, card.id or id_)


def _add_name(group: Group, value: Value, name: str, role: str, kind: str | None, id_: str | None) -> None:
    name = strip_emails(name)
    if not name:
        group.ignore(value, PERSONAL)
    elif role.strip().lower().rpartition("/")[2] in _PUBLISHER_ROLES:
        group.add("publishers", value, text=name)
    else:
        group.add("contributors", value, f"{role}|{kind or ''}|{id_ or ''}" if kind or id_ else role, text=name)
