"""What the checks of published addresses find: they are made by day, and these rows only tell what is wrong."""

from __future__ import annotations

from transforms.rules.rule import Rule

RULES = (
    Rule(
        code="address_dead", path="url", severity="warning", part="address",
        wrong="The address no longer opens the resource: at least three checks in a row failed, over a week or more.",
        why="Readers find nothing there: the page is gone, asks for a login, or the server does not answer.",
        mend="Make the address work again, or give the one at which the resource is now. It counts as fixed as soon as"
        " the address answers.",
    ),
    Rule(
        code="address_moved", path="url", severity="info", part="address",
        wrong="The address has moved for ever to another one.",
        why="Redirects are forgotten when a site is rebuilt, and the old address then opens nothing.",
        mend="Give the new address.",
    ),
)  # fmt: skip
