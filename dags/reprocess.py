"""`make reprocess FEED=name`: normalize what was landed again, with today's tables; the partner is not asked."""

from __future__ import annotations

import sys

from dags.tasks import begin_reprocess, run_feed
from schemas import BadFeed, environment, read_feed


def main(arguments: list[str]) -> int:
    """`python -m dags.reprocess NAME`: reprocess one feed and say how many records changed."""
    names = [name for name in arguments if name]
    if len(names) != 1:
        print("Name one feed: make reprocess FEED=col_oasis")
        return 2
    env = environment()
    name = names[0].rpartition("/")[2].removesuffix(".toml")
    try:
        read_feed(env.feeds / f"{name}.toml")
    except BadFeed as error:
        print(f"{error} (in {env.feeds}; ELIB_FEEDS names another folder)")
        return 2
    from loaders.catalog import migrate

    migrate(env)
    counts = run_feed(name, begin_reprocess(name))
    if not counts:
        print(f"{name}: HELD; python -m loaders.review says why")
        return 0
    print(f"{name}: {counts['changed']} of {counts['landed']} records changed; " + said(counts))
    return 0


def said(counts: dict[str, int]) -> str:
    return ", ".join(f"{counts[name]} {name}" for name in ("added", "unchanged", "deleted", "rejected", "quarantined"))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
