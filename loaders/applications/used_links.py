"""Remember which of the links that may be used once were used, for every process, and after a restart."""

from __future__ import annotations

from typing import Any

from sqlalchemy import delete, insert, select

from loaders.store import UsedLinkRow, now, write_transaction
from schemas import Environment

_USED: Any = UsedLinkRow.__table__


def use_link(env: Environment, link_id: str, expires_at: str) -> bool:
    """Note that a link is used, and return True; False when it was used before. Those that expired are forgotten."""
    with write_transaction(env) as connection:
        connection.execute(delete(_USED).where(_USED.c.expires_at < now()))
        if connection.scalar(select(_USED.c.id).where(_USED.c.id == link_id)) is not None:
            return False
        connection.execute(insert(_USED).values(id=link_id, expires_at=expires_at))
    return True
