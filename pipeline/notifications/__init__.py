"""One notification per night, and the deadline alert."""

from pipeline.notifications.deadline import READY_BY_VARIABLE, check_ready, read_hour
from pipeline.notifications.night import notify
from pipeline.notifications.send import NotSent, Receiver

__all__ = [
    "READY_BY_VARIABLE",
    "NotSent",
    "Receiver",
    "check_ready",
    "notify",
    "read_hour",
]
