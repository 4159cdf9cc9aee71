"""How crosswalks say who took part: the hint of a contributor is `role|kind|id`, the last two only when stated."""

from __future__ import annotations

from schemas import Leaf
from transforms.crosswalks.engine.table import Group, Value, leave
from transforms.crosswalks.engine.vcard import cards, looks_like_one
from transforms.draft import PERSONAL, strip_emails

_PUBLISHER = frozenset(
    {"publisher", "pbl", "issuing body", "éditeur commercial", "издатель", "ناشر", "издавач", "izdavač", "สำนักพิมพ์"}
    | {"editorial", "editora", "verlag"}
)


def contributor(group: Group, value: Value, role: str, kind: str | None = None, id_: str | None = None) -> None:
    """Say one contributor; a publisher goes to the publishers. A vCard that names nobody says nothing."""
    if not looks_like_one(value.text):
        _said(group, value, value.text, role, kind, id_)
        return
    found = cards(value.text)
    if not found:
        leave(group.draft, value.path, "a vCard that names nobody")
    for one in found:
        _said(group, value, one.name, role, one.kind or kind, one.id or id_)


def _said(group: Group, value: Value, name: str, role: str, kind: str | None, id_: str | None) -> None:
    name = strip_emails(name)
    if not name:
        group.draft.ignored.append((Leaf(path=value.path, value=value.text), PERSONAL))
        return
    if role.strip().lower().rpartition("/")[2] in _PUBLISHER:
        group.add("publishers", value, text=name)
    else:
        group.add("contributors", value, _hint(role, kind, id_), text=name)


def _hint(role: str, kind: str | None = None, id_: str | None = None) -> str:
    """The hint that says role, kind and id of a contributor."""
    return f"{role}|{kind or ''}|{id_ or ''}" if kind or id_ else role
