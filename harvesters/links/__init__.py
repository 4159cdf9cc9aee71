"""Check whether published addresses still lead to what they promise, politely."""

from harvesters.links.checking import LinkChecker, LinkPoliteness

__all__ = ["LinkChecker", "LinkPoliteness"]
