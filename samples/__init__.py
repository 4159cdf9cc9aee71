"""Recorded-shape responses of every partner, and the loopback server that replays them."""

from samples.server import ReplayServer

__all__ = ["ReplayServer"]
