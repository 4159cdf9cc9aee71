"""Published addresses: which there are, which are due, what their checks found, and what follows from that."""

from loaders.links.addresses import addresses_of, host_of
from loaders.links.due import DueAddress, due_addresses, hosts_with_due, known_hosts, published_addresses
from loaders.links.following import follow_publications, is_behind
from loaders.links.results import CheckCounts, write_checks
from loaders.links.state import DEAD_AFTER_DAYS, DEAD_AFTER_STRIKES, LinkState, next_state

__all__ = [
    "DEAD_AFTER_DAYS",
    "DEAD_AFTER_STRIKES",
    "CheckCounts",
    "DueAddress",
    "LinkState",
    "addresses_of",
    "due_addresses",
    "follow_publications",
    "host_of",
    "hosts_with_due",
    "is_behind",
    "known_hosts",
    "next_state",
    "published_addresses",
    "write_checks",
]
